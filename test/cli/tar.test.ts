import t from 'tap'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { pack } from 'tar-stream'
import { openSync, type ObjectInfo } from '../../index.js'
import { headerOf, objectOf, type NewHeader } from '../../lib/cli/tar/entry.js'
import { contentOf as piecesOf, readArchive } from '../../lib/cli/tar/reader.js'
import { MAIN, shell, start } from './command.js'
import { fill, LARGE, leftovers, scratch, until } from './scratch.js'

interface Entry {
  readonly header: NewHeader
  readonly content?: string
}

/** An archive of entries, as only somebody hostile or another program makes them. */
async function archiveOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack()
  for (const { header, content = '' } of entries) archive.entry(header, content)
  archive.finalize()
  const pieces: Buffer[] = []
  for await (const piece of archive as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** All that an object is, but for what belongs to the write that made it. */
function contentOf(store: string): Record<string, unknown>[] {
  const objects = openSync(store)
  const infos = [...objects.list()].sort((one, other) => (one.key < other.key ? -1 : 1))
  const all = infos.map(({ key, contentType, metadata, expiresAtMs }) => {
    const minute = expiresAtMs === undefined ? undefined : Math.round(expiresAtMs / 60_000)
    return { key, contentType, metadata, minute, value: objects.get(key)?.toString('base64') }
  })
  objects.close()
  return all
}

/** Keys and attributes of every kind. */
function fillAll(store: string): void {
  const old = { mtime: '1500000000.123456789' }
  fill(store, { plain: 'plain', empty: '', 'deep/er/key': 'x', ['long/'.repeat(60)]: 'x' })
  fill(store, { '../x': 'x', '/abs': 'x', 'a//b': 'x', '\n\u0000\ufffd': 'x', 'end/': 'x' })
  fill(store, { ünï: 'x', 'with=sign': 'x', ['n'.repeat(250)]: 'x' })
  fill(store, { large: LARGE.toString() }, { metadata: { mode: '640', ...old } })
  fill(store, { before: 'x' }, { metadata: { mode: '644', mtime: '-86400.500000000' } })
  fill(store, { link: 'plain', 'l/ü': 'x'.repeat(200) }, { metadata: { type: 'symlink', ...old } })
  fill(store, { 'no-link': '' }, { metadata: { type: 'symlink' } })
  fill(store, { 'dir/': '', 'deep/': '' }, { metadata: { type: 'directory', mode: '750', ...old } })
  fill(
    store,
    { session: 's', 'a/session': LARGE.toString() },
    { ttlMs: 1e9, contentType: 'text/html', metadata: { 'a=b': 'c\nd', mode: 'odd' } },
  )
}

await t.test('what is exported as an archive is imported as it was', async (t) => {
  const { dir, store, run } = scratch(t)
  fillAll(store)
  const expected = contentOf(store)
  const exported = await run(['export', '--tar'])
  t.equal(exported.status, 0, exported.stderr)
  const other = join(dir, 'other')
  const imported = await run(['import', '--tar', '-d', other], { input: exported.stdout })
  t.equal(imported.status, 0, imported.stderr)
  t.same(contentOf(other), expected)
  const again = await run(['import', '--tar', '--json', '-d', other], { input: exported.stdout })
  t.match(JSON.parse(again.stdout.toString()), { files: 1, unchanged: expected.length - 1 })
  t.same(contentOf(other), expected, 'and once more: only one large value is not known by its time')

  const part = await run(['export', '--tar', '--prefix', 'deep/er/'])
  const third = join(dir, 'third')
  const words = ['import', '--tar', '--prefix', 'new/', '-d', third]
  t.match(await run(words, { input: part.stdout }), { status: 0 })
  t.same(
    contentOf(third).map(({ key }) => key),
    ['new/key'],
  )
  t.same(leftovers(other), [])
})

await t.test('tar reads and writes the same trees as export and import', async (t) => {
  const { dir, tree, out, store } = scratch(t, { tree: {}, tarred: {} })
  fs.mkdirSync(join(tree, 'a/b'), { recursive: true })
  fs.mkdirSync(join(tree, 'empty/within'), { recursive: true })
  fs.writeFileSync(join(tree, 'a/b/large'), LARGE)
  fs.writeFileSync(join(tree, 'a/run'), '#!/bin/sh\n', { mode: 0o755 })
  fs.writeFileSync(join(tree, 'ünï'.repeat(30)), 'x')
  fs.symlinkSync('a/run', join(tree, 'link'))
  fs.linkSync(join(tree, 'a/run'), join(tree, 'a/hard'))
  fs.lutimesSync(join(tree, 'a/run'), 1_500_000_000.123456, 1_500_000_000.123456)
  const other = join(dir, 'other')
  const outcome = await shell(
    `set -e
     linkstore -d ${store} import ${tree}
     tar --format=pax -c -C ${tree} . | linkstore -d ${other} import --tar
     tar -c -C ${tree} . | linkstore -d ${join(dir, 'gnu')} import --tar
     tar --format=ustar -c -C ${tree} a | linkstore -d ${join(dir, 'ustar')} import --tar
     linkstore -d ${store} export ${out}
     linkstore -d ${store} export --tar | tar -x --warning=no-unknown-keyword -C ${dir}/tarred
     diff -r --no-dereference ${out} ${dir}/tarred && diff -r --no-dereference ${tree} ${out}`,
  )
  t.equal(outcome.status, 0, outcome.stderr)
  t.same(contentOf(other), contentOf(store))
  const keys = (path: string): unknown[] => contentOf(path).map(({ key, value }) => [key, value])
  t.same(keys(join(dir, 'gnu')), keys(store))
  t.equal(keys(join(dir, 'ustar')).length, 3)
  const mtimeMs = (root: string): number => fs.statSync(join(root, 'a/run')).mtimeMs
  t.ok(Math.abs(mtimeMs(join(dir, 'tarred')) - 1_500_000_000_123.456) < 0.01)
  t.equal(fs.statSync(join(dir, 'tarred/a/run')).mode & 0o777, 0o755)
})

await t.test('what must not be kept of an archive is skipped and named', async (t) => {
  const { dir, store, run } = scratch(t)
  const pax = { 'LINKSTORE.metadata': '[1' }
  const input = await archiveOf([
    { header: { name: '/etc/passwd' }, content: 'x' },
    { header: { name: '../up' }, content: 'x' },
    { header: { name: 'a/../../up' }, content: 'x' },
    { header: { name: 'device', type: 'character-device' } },
    { header: { name: 'pi\u001bpe', type: 'fifo' } },
    { header: { name: 'hard', type: 'link', linkname: 'nowhere' } },
    { header: { name: 'hard-up', type: 'link', linkname: '../../etc/passwd' } },
    { header: { name: 'sparse', pax: { 'GNU.sparse.major': '1' } }, content: 'map' },
    { header: { name: 'damaged', pax }, content: 'x' },
    { header: { name: 'time', pax: { 'LINKSTORE.expiresAtMs': 'soon' } }, content: 'x' },
    { header: { name: 'old', pax: { 'LINKSTORE.expiresAtMs': '1' } }, content: 'x' },
    { header: { name: 'twice' }, content: 'first' },
    { header: { name: 'long', pax: { path: 'p/'.repeat(30) + 'q' } }, content: 'x' },
    { header: { name: 'twice' }, content: 'second' },
    { header: { name: './good' }, content: 'good' },
  ])
  const { status, stderr, stdout } = await run(['import', '--tar', '--json'], { input })
  t.equal(status, 3)
  const report = JSON.parse(stdout.toString()) as { skipped: { name: string; reason: string }[] }
  t.same(
    report.skipped.map(({ name, reason }) => `${name}: ${reason}`).sort(),
    [
      '../up: it has ".." in it',
      '/etc/passwd: it is an absolute path',
      'a/../../up: it has ".." in it',
      'damaged: its record LINKSTORE.metadata is damaged',
      'device: it is a device',
      'hard-up: it has ".." in it',
      'hard: it is a hard link to a file that was not imported',
      'pi\u001bpe: it is a pipe',
      'sparse: it is sparse; make the archive without --sparse',
      'time: its record LINKSTORE.expiresAtMs is damaged',
    ].sort(),
  )
  t.match(report, { files: 4, expired: 1 })
  t.match(stderr, 'left out 1 object past their time')
  t.notMatch(stderr.replaceAll('\n', ''), /\p{Cc}/u)
  const objects = openSync(store)
  t.same([...objects.keys()].sort(), ['good', 'p/'.repeat(30) + 'q', 'twice'])
  t.equal(objects.get('twice')?.toString(), 'second', 'of two the later one counts, as with tar')

  fs.mkdirSync(join(dir, 'tree'))
  fs.writeFileSync(Buffer.from(`${dir}/tree/\xff`, 'latin1'), 'x')
  const odd = execFileSync('tar', ['-c', '-C', join(dir, 'tree'), '.'])
  const outcome = await run(['import', '--tar'], { input: odd })
  t.match(outcome, { status: 3, stderr: /its name is not UTF-8/ })
})

await t.test('an archive that is cut off anywhere is never taken for whole', async (t) => {
  const whole = await archiveOf([
    { header: { name: 'one' }, content: 'x'.repeat(600) },
    { header: { name: 'zeros' }, content: '\0'.repeat(1024) },
    { header: { name: 'ü', type: 'symlink', linkname: 'one' } },
    { header: { name: 'last', pax: { 'LINKSTORE.key': '"k"' } }, content: '' },
  ])
  const read = async (bytes: Buffer): Promise<number> => {
    let count = 0
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700)
    }
    for await (const entry of readArchive(pieces(), new AbortController().signal)) {
      count += 1
      for await (const _ of piecesOf(entry));
    }
    return count
  }
  t.equal(await read(whole), 4)
  t.equal(await read(Buffer.concat([whole, Buffer.alloc(8192)])), 4)
  const mark = whole.length - 1024
  for (let cut = 0; cut < mark + 512; cut += cut % 512 === 0 ? 1 : 511) {
    await t.rejects(read(whole.subarray(0, cut)), { name: 'ArchiveError' }, `after ${cut} bytes`)
  }
  const damaged = Buffer.from(whole)
  damaged[1536 + 3] = 1
  await t.rejects(read(damaged), { name: 'ArchiveError', message: 'the archive is damaged' })
  await t.rejects(read(Buffer.alloc(2000, 'text')), { message: 'this is no tar archive' })

  const { store, run } = scratch(t)
  const cut = await run(['import', '--tar'], { input: whole.subarray(0, 2048) })
  t.match(cut, { status: 3, stderr: /^linkstore: the archive ends too early: / })
  t.same(leftovers(store), [])
  const zipped = execFileSync('gzip', ['-c'], { input: whole })
  t.match(await run(['import', '--tar'], { input: zipped }), { status: 3, stderr: /gunzip/ })
})

await t.test('sizes beyond 8 GiB, times and names of any length fit into a header', async (t) => {
  const info: ObjectInfo = {
    key: `${'deep/'.repeat(200)}key`,
    sizeBytes: 9 * 2 ** 30,
    version: undefined,
    writtenAtMs: 5e12,
    writtenBy: undefined,
    expiresAtMs: undefined,
    contentType: undefined,
    metadata: { mode: '644', mtime: '9999999999.000000001' },
  }
  const archive = pack()
  archive.entry(headerOf(info, undefined, ''))
  const signal = new AbortController().signal
  for await (const entry of readArchive(archive as AsyncIterable<Uint8Array>, signal)) {
    t.match(objectOf(entry.header, ''), {
      key: info.key,
      sizeBytes: info.sizeBytes,
      metadata: info.metadata,
    })
    break
  }
  archive.destroy(null)
})

await t.test('a damaged object is left out of an archive, a large one cuts it off', async (t) => {
  const { store, run } = scratch(t)
  fill(store, { good: 'good', bad: 'bad' })
  const damage = (start: string): void => {
    for (const name of fs.readdirSync(store, { recursive: true, encoding: 'utf8' })) {
      const path = join(store, name)
      if (!/[0-9a-f]{60}$/.test(name)) continue
      const bytes = fs.readFileSync(path)
      if (bytes.subarray(0, start.length).toString() === start) bytes[0] = 1
      fs.writeFileSync(path, bytes)
    }
  }
  damage('bad')
  const small = await run(['export', '--tar'])
  t.match(small, { status: 3, stderr: /skipped "bad"/ })
  const list = execFileSync('tar', ['-t', '--warning=no-unknown-keyword'], { input: small.stdout })
  t.equal(list.toString(), 'good\n')
  fill(store, { large: LARGE.toString() })
  damage('large')
  const large = await run(['export', '--tar'])
  t.match(large, { status: 3, stderr: /the archive is cut off: .*verify --quarantine/ })
  const again = await run(['import', '--tar', '-d', `${store}-2`], { input: large.stdout })
  t.match(again, { status: 3, stderr: /ends too early/ })
})

await t.test('an import or export of an archive ends when it is told to', async (t) => {
  const { dir, store } = scratch(t)
  fill(store, { large: LARGE.toString() })
  const env = { LINKSTORE_DIR: store }
  // Nobody reads what it writes.
  const full = start('bash', ['-c', `exec "${process.execPath}" "${MAIN}" export --tar`], { env })
  full.child.stdout?.pause()
  const other = join(dir, 'other')
  const waiting = start(process.execPath, [MAIN, 'import', '--tar', '-d', other], { env })
  waiting.child.stdin?.write(
    (await archiveOf([{ header: { name: 'x' }, content: 'x' }])).subarray(0, 700),
  )
  await until(() => fs.existsSync(join(other, 'linkstore.json')))
  waiting.child.kill('SIGINT')
  t.match(await waiting.ended, { status: 130, stderr: 'linkstore: interrupted by SIGINT\n' })
  t.same(leftovers(other), [])
  full.child.kill('SIGINT')
  full.child.stdout?.resume()
  await full.ended
  t.same(leftovers(store), [])
  const bad = start(process.execPath, [MAIN, 'import', '--tar', '-d', other], { env })
  bad.child.stdin?.write(Buffer.alloc(2048, 'no archive'))
  t.match(await bad.ended, { status: 3, stderr: /no tar archive/ }, 'though more might come')
})

await t.test('archives are asked for as they can be had', async (t) => {
  const { store, run } = scratch(t)
  fill(store, { key: 'value' })
  const cases: [words: string[], message: RegExp][] = [
    [['import'], /name a directory, or give an archive with --tar/],
    [['export'], /name a directory, or write an archive with --tar/],
    [['import', 'x', '--tar'], /give a directory or --tar, not both/],
    [['export', 'x', '--tar'], /give a directory or --tar, not both/],
    [['import', '--tar', '--part', '1/2'], /--part is for directories/],
    [['export', '--tar', '--json'], /--json is for directories/],
    [['export', '--tar', '--checksum'], /--checksum is for directories/],
  ]
  for (const [words, message] of cases) t.match(await run(words), { status: 2, stderr: message })
  const raw = await run(['import', '--tar', '-d', `${store}-raw`, '--format', 'raw'], {
    input: await archiveOf([
      { header: { name: 'file' }, content: 'x' },
      { header: { name: 'link', type: 'symlink', linkname: 'file' } },
      { header: { name: 'page', pax: { 'LINKSTORE.contentType': 'text/html' } }, content: 'x' },
    ]),
  })
  t.equal(raw.status, 3)
  t.match(raw.stderr, 'skipped "link": a store of format raw cannot keep symbolic links')
  t.match(raw.stderr, 'skipped "page": a store of format raw cannot keep its metadata')
})
