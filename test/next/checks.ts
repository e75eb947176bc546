/** What every version must do, in applications that are served by several processes. */
import { cp, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { open } from '../../index.js'
import { until } from '../support/coordination.js'
import { build, type Application, type Variant } from './application.js'
import { openBrowser } from './browser.js'
import { Server, type Page } from './server.js'
import { startSource, type Source } from './source.js'

const REQUESTS = 200
const ROUNDS = 4
const RSC = { RSC: '1' }

/** An application with two processes, and where its data is from. */
interface Served {
  readonly application: Application
  readonly source: Source
  readonly a: Server
  readonly b: Server
}

/** Builds and serves an application, and tries all that it has. */
export async function checkApplication(t: Test, variant: Variant): Promise<void> {
  const source = await startSource(t)
  const application = await build(t, variant, source)
  const a = await Server.start(t, application)
  const b = await Server.start(t, application)
  const served = { application, source, a, b }
  if (variant.hasCacheComponents !== true) await checkPages(t, served)
  if (variant.cacheHandlers !== undefined) await checkUseCache(t, served)
  for (const server of [a, b]) {
    const lines = server.printed.split('\n').filter((line) => /error|warn|fail/i.test(line))
    t.same(lines, [], 'nothing went wrong that only a log tells')
  }
}

async function checkPages(t: Test, served: Served): Promise<void> {
  await t.test('what was built is given out, and nothing older than what is known', (t) =>
    builtPages(t, served),
  )
  await t.test('what one process revalidates is fresh in the other', (t) => freshness(t, served))
  await t.test('a page is made again when its time is over, and by one process', (t) =>
    lifetimes(t, served),
  )
  await t.test('bytes of a route handler survive', (t) => bytes(t, served))
  await t.test(`${REQUESTS} requests during revalidation: no error, no mixed body`, (t) =>
    concurrency(t, served, '/tagged', 'tagged'),
  )
  await t.test('a browser that goes from page to page sees what is fresh', (t) =>
    navigation(t, served, '/tagged', 'tagged'),
  )
  await t.test('a new process gives out what the others have, and old builds go', (t) =>
    deployments(t, served),
  )
}

async function checkUseCache(t: Test, served: Served): Promise<void> {
  await t.test(
    "what has 'use cache' and is revalidated by one process is fresh in the other",
    (t) => useCache(t, served),
  )
  await t.test(`${REQUESTS} requests for what has 'use cache': no error, no mixed body`, (t) =>
    concurrency(t, served, '/cached', 'cached'),
  )
  if (served.application.variant.hasCacheComponents !== true) return
  await t.test('a browser that goes to a page that is partly kept sees what is fresh', (t) =>
    navigation(t, served, '/cached', 'cached'),
  )
  await t.test('a tag that may be stale for a while is given out, and made again', (t) =>
    staleWhileRevalidate(t, served),
  )
}

/** Next.js may answer that it has revalidated a moment before it has. */
async function untilFresh(server: Server, path: string, version: number): Promise<void> {
  await until(async () => {
    await sleep(20)
    return (await server.page(path)).version === version
  }, `${path} is fresh in the other process`)
}

/** A page that is whole and of one rendering. */
function checkWhole(t: Test, page: Page, what: string): void {
  t.equal(page.status, 200, `${what} is answered`)
  t.equal(page.renderings.length, 1, `${what} is of one rendering`)
}

async function builtPages(t: Test, { application, a, b, source }: Served): Promise<void> {
  const file = join(application.directory, '.next/server/app/built.html')
  const html = await readFile(file, 'utf8')
  const [fromA, fromB] = [await a.page('/built'), await b.page('/built')]
  checkWhole(t, fromA, 'what was built')
  t.match(html, fromA.renderings[0]!, 'it is the one of the build')
  t.same(fromB.renderings, fromA.renderings)
  const version = source.raise('built')
  await a.revalidate({ tag: 'built' })
  await untilFresh(b, '/built', version)
  await ofToday(application, async () => {
    const c = await Server.start(t, application)
    t.equal(
      (await c.page('/built')).version,
      version,
      'a new process does not bring back the build',
    )
    await c.stop()
  })
}

/** Does something while all that was built looks as if it had come with a new pod. */
async function ofToday({ directory }: Application, work: () => Promise<void>): Promise<void> {
  const names = ['BUILD_ID', ...['html', 'meta', 'rsc'].map((end) => `server/app/built.${end}`)]
  const paths = names.map((name) => join(directory, '.next', name))
  const times = await Promise.all(paths.map(async (path) => await stat(path)))
  const now = new Date()
  for (const path of paths) await utimes(path, now, now)
  await work()
  for (const [index, { atime, mtime }] of times.entries()) await utimes(paths[index]!, atime, mtime)
}

async function freshness(t: Test, { application, a, b, source }: Served): Promise<void> {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const what of [{ tag: 'tagged' }, { path: '/tagged' }]) {
      await Promise.all([one.page('/tagged'), other.page('/tagged')])
      const version = source.raise('tagged')
      await one.revalidate(what)
      await untilFresh(other, '/tagged', version)
      const first = await other.page('/tagged')
      t.equal(first.version, version, `after ${JSON.stringify(what)}`)
      const second = await one.page('/tagged')
      t.same(second.renderings, first.renderings, 'what the other one made is not made again')
      const rsc = await one.page('/tagged', RSC)
      checkWhole(t, rsc, 'what a browser asks for')
      t.equal(rsc.version, version)
      if (application.variant.rendersTwice !== true) t.same(rsc.renderings, first.renderings)
    }
  }
}

async function lifetimes(t: Test, { a, b, source }: Served): Promise<void> {
  const version = source.raise('timed')
  await until(async () => {
    await sleep(200)
    return (await a.page('/timed')).version === version
  }, 'a page is made again')
  t.equal((await b.page('/timed')).version, version)
  // Not in the build, and only one of them knows its lifetime from having made it.
  const item = await a.page('/items/1')
  await sleep(1500)
  const same = [await b.page('/items/1'), await b.page('/items/1'), await a.page('/items/1')]
  for (const { renderings } of same) t.same(renderings, item.renderings)
}

async function bytes(t: Test, { a, b, source }: Served): Promise<void> {
  const read = async (server: Server): Promise<Buffer> => {
    const response = await server.fetch('/bytes')
    t.equal(response.headers.get('content-type'), 'application/x-bytes')
    return Buffer.from(await response.arrayBuffer())
  }
  const expected = (version: number): Buffer =>
    Buffer.alloc(64 * 1024, Buffer.from([255, 0, 128, version]))
  t.ok((await read(a)).equals(expected(1)))
  const version = source.raise('bytes')
  await a.revalidate({ tag: 'bytes' })
  await until(async () => (await read(b)).equals(expected(version)), 'the bytes are fresh')
  t.ok((await read(a)).equals(expected(version)))
}

/** Asks both processes all the time while a tag is revalidated again and again. */
async function concurrency(
  t: Test,
  { a, b, source }: Served,
  path: string,
  tag: string,
): Promise<void> {
  const pending: Promise<void>[] = []
  const problems: string[] = []
  const ask = async (server: Server, headers: Record<string, string>, from: number) => {
    const { status, renderings, version } = await server.page(path, headers)
    if (status !== 200) problems.push(`status ${status}`)
    else if (renderings.length !== 1) problems.push(`a body of ${renderings.length} renderings`)
    else if (version < from) problems.push(`version ${version} after ${from}`)
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const version = source.raise(tag)
    const [one, other] = round % 2 === 0 ? [a, b] : [b, a]
    await one.revalidate({ tag })
    await untilFresh(other, path, version)
    for (let index = 0; index < REQUESTS / ROUNDS; index += 1) {
      // A page with a part of each request has no payload that is kept as a whole.
      const headers = index % 4 === 0 && path === '/tagged' ? RSC : {}
      pending.push(ask(index % 2 === 0 ? a : b, headers, version))
    }
  }
  await Promise.all(pending)
  t.equal(pending.length, REQUESTS)
  t.same(problems, [])
}

async function navigation(
  t: Test,
  { a, b, source }: Served,
  path: string,
  tag: string,
): Promise<void> {
  const { page, problems } = await openBrowser(t)
  const version = source.raise(tag)
  await a.revalidate({ tag })
  await untilFresh(b, path, version)
  // Next.js 16 hides the page that one comes from, and keeps it.
  const heading = page.locator('h1:visible')
  await page.goto(b.url + path)
  t.equal(await heading.textContent(), `version ${version}`)
  const next = source.raise(tag)
  await a.revalidate({ tag })
  await untilFresh(b, path, next)
  await page.goto(b.url)
  t.equal(await heading.textContent(), 'Home')
  // By the router of the browser: what it asks for has no HTML.
  await page.locator(`a[href="${path}"]`).click()
  await page.waitForURL(b.url + path)
  await heading.filter({ hasText: 'version' }).waitFor()
  t.equal(await heading.textContent(), `version ${next}`)
  t.same(problems, [])
}

async function useCache(t: Test, { a, b, source }: Served): Promise<void> {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    await Promise.all([one.page('/cached'), other.page('/cached')])
    const version = source.raise('cached')
    await one.revalidate({ tag: 'cached' })
    await untilFresh(other, '/cached', version)
    const first = await other.page('/cached')
    checkWhole(t, first, 'a page')
    t.equal(first.version, version)
    t.same((await one.page('/cached')).renderings, first.renderings, 'nor is it made twice')
    t.same((await other.page('/cached')).renderings, first.renderings)
  }
}

async function staleWhileRevalidate(t: Test, { a, b, source }: Served): Promise<void> {
  const before = await b.page('/cached')
  const version = source.raise('cached')
  await a.revalidate({ tag: 'cached', profile: 'max' })
  const stale = await b.page('/cached')
  t.equal(stale.version, before.version, 'nobody waits for a new one')
  for (const server of [b, a]) {
    await until(async () => {
      await sleep(100)
      return (await server.page('/cached')).version === version
    }, 'the stale page is replaced')
  }
}

/** A rolling update: while the old processes serve, nothing of theirs goes. */
async function deployments(t: Test, { application, a, b, source }: Served): Promise<void> {
  const version = source.raise('tagged')
  await a.revalidate({ tag: 'tagged' })
  await untilFresh(b, '/tagged', version)
  const known = await b.page('/tagged')
  const c = await Server.start(t, application)
  t.same((await c.page('/tagged')).renderings, known.renderings, 'a new process of the same build')
  await c.stop()

  const next = await nextBuild(application)
  const d = await Server.start(t, next)
  t.equal((await d.page('/tagged')).version, version, 'a new build does not go back either')
  const store = await open(application.store)
  t.teardown(() => store.close())
  const keysOf = async ({ directory }: Application): Promise<number> => {
    const id = await readFile(join(directory, '.next/BUILD_ID'), 'utf8')
    let count = 0
    for await (const key of store.keys({ prefix: `next/page/${id}/` })) count += key === '' ? 0 : 1
    return count
  }
  t.ok((await keysOf(application)) > 0, 'what is in use stays')
  t.equal((await a.page('/tagged')).version, version)
  t.ok((await keysOf(next)) > 0)
  // As if the old processes were gone for a day.
  const id = await readFile(join(application.directory, '.next/BUILD_ID'), 'utf8')
  for (const name of [`build/${id}`, 'cleaning']) await store.delete(`next/${name}`)
  await until(async () => {
    await sleep(300)
    await d.page('/tagged')
    return (await keysOf(application)) === 0
  }, 'the pages of the old build are removed')
  t.ok((await keysOf(next)) > 0, 'and no others')
  await d.stop()
}

/** The same application as another build, which forgets old ones soon. */
async function nextBuild(application: Application): Promise<Application> {
  const directory = `${application.directory}-next`
  await cp(application.directory, directory, {
    recursive: true,
    preserveTimestamps: true,
    verbatimSymlinks: true,
  })
  await writeFile(join(directory, '.next/BUILD_ID'), 'the-next-build')
  const path = join(directory, 'cache-handler.js')
  const handler = await readFile(path, 'utf8')
  const impatient = handler.replace('createCacheHandler({', '$& keepBuildsMs: 4000,')
  await writeFile(path, impatient)
  return { ...application, directory }
}
