import t from 'tap'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { dir } from 'tmp-promise'
import { problemOf } from './bench/xml.js'
import { follow, pagesOf, textOf } from './links/links.js'

await t.test(
  'dead links are told from living ones, and from those nobody answers for',
  async (t) => {
    const { path: root, cleanup } = await dir({ prefix: 'linkstore-links-', unsafeCleanup: true })
    t.teardown(cleanup)
    const server = createServer(({ url = '' }, response) => {
      const status = Number(url.slice(1))
      response.writeHead(status, status === 301 ? { location: '/200' } : {}).end('page')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const links = [200, 301, 403, 404, 410, 500].map((status) => `[a link](${site}/${status})`)
    const nowhere = 'http://nowhere.invalid/page'
    await writeFile(
      join(root, 'page.md'),
      `${links.join('\n')}\n\n\`${site}/404/code\`\n<${nowhere}>\n`,
    )
    await writeFile(join(root, 'other.md'), '[within](page.md) [nothing within](none.md)\n')

    const report = await follow(root, pagesOf(root))
    const urls = (kind: 'alive' | 'dead' | 'unknown'): string[] =>
      report[kind].map(({ url }) => url.replace(`${site}/`, '')).sort()
    t.same(urls('alive'), ['200', '301'])
    t.same(urls('dead'), ['404', '410'])
    t.same(urls('unknown'), ['403', '500', nowhere])
    t.same(report.moved, [`${site}/301 → ${site}/200`])
    const text = textOf(report)
    t.match(text, `dead: ${site}/404 in page.md: answered 404`)
    t.match(text, /not known: 1 of nowhere.invalid: no answer, E\w+/)
    t.match(text, '7 links to other sites: 2 lead somewhere, 2 are dead, of 3 nothing is known')
    t.notMatch(text, 'NOT CHECKED')

    await writeFile(join(root, 'page.md'), `<${nowhere}>\n`)
    const offline = await follow(root, ['page.md'])
    t.equal(offline.dead.length, 0)
    t.match(textOf(offline), 'NOT CHECKED: no host gave an answer')
  },
)

await t.test('pictures are well-formed, described, and drawn for light and dark', async (t) => {
  const docs = join(import.meta.dirname, '../docs')
  const pictures = (await readdir(docs, { recursive: true })).filter((name) => /\.svg$/.test(name))
  t.ok(pictures.length > 3, 'there are pictures')
  for (const name of pictures) {
    const text = await readFile(join(docs, name), 'utf8')
    t.equal(problemOf(text.replace(/<!--.*?-->/g, '')), undefined, `${name} is well-formed`)
    for (const part of ['<title', '<desc', 'aria-labelledby', 'prefers-color-scheme:dark']) {
      t.match(text, part, `${name} has ${part}`)
    }
    t.notMatch(text, /<(script|image)|href|url\(http|@import/, `${name} needs no other file`)
  }
})

await t.test('every page can be found by following links from the README', async (t) => {
  const root = join(import.meta.dirname, '..')
  const found = new Set<string>(['README.md'])
  for (const page of found) {
    const text = await readFile(join(root, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+\.md)(?:#[^)]*)?\)/g)) {
      if (!target.startsWith('https:')) found.add(join(dirname(page), target))
    }
  }
  const pages = pagesOf(root).filter((page) => !/^(bench|test)\//.test(page))
  t.ok(pages.length > 40, 'there are pages')
  t.same(
    pages.filter((page) => !found.has(page)),
    [],
  )
})
