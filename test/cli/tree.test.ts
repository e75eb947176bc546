import t from 'tap'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSync } from '../../index.js'
import { SourceFile, readLink, statDirectory } from '../../lib/cli/tree/source-file.js'
import { MAIN, start, type Outcome } from './command.js'
import { fill, LARGE, leftovers, scratch, until } from './scratch.js'

interface Report {
  readonly files: number
  readonly links: number
  readonly directories: number
  readonly bytes: number
  readonly skipped: { name: string; reason: string }[]
}

function reportOf({ stdout }: Outcome): Report {
  return JSON.parse(stdout.toString()) as Report
}

/** All of a tree that an export must bring back, one line for each entry. */
function describeTree(root: string): string[] {
  const lines: string[] = []
  for (const name of fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, name)
    const stats = fs.lstatSync(path)
    const time = (stats.mtimeMs / 1000).toFixed(1)
    if (stats.isSymbolicLink()) lines.push(`${name} -> ${fs.readlinkSync(path)} ${time}`)
    else if (!stats.isDirectory()) {
      const mode = (stats.mode & 0o777).toString(8)
      lines.push(`${name} ${mode} ${time} ${fs.readFileSync(path, 'base64')}`)
    } else if (fs.readdirSync(path).length > 0) lines.push(`${name}/`)
    else lines.push(`${name}/ ${(stats.mode & 0o777).toString(8)} ${time}`)
  }
  return lines
}

/** A tree with everything in it that can be kept. */
function growTree(tree: string): void {
  fs.mkdirSync(join(tree, 'a/deep/er'), { recursive: true })
  fs.mkdirSync(join(tree, 'empty/within'), { recursive: true })
  fs.mkdirSync(join(tree, 'closed'))
  fs.writeFileSync(join(tree, 'plain'), 'plain')
  fs.writeFileSync(join(tree, 'nothing'), '')
  fs.writeFileSync(join(tree, 'a/large'), LARGE)
  fs.writeFileSync(join(tree, 'a/run'), '#!/bin/sh\n', { mode: 0o755 })
  fs.writeFileSync(join(tree, 'a/secret'), 'x', { mode: 0o600 })
  fs.writeFileSync(join(tree, 'a/deep/er/.hidden'), 'x')
  for (const name of [
    'tab\tnew\nline',
    '\u001b[31m',
    'ünï',
    '-rf',
    'back\\slash',
    ' ',
    'x'.repeat(255),
  ]) {
    fs.writeFileSync(join(tree, 'a/deep', name), name)
  }
  fs.symlinkSync('plain', join(tree, 'link'))
  fs.symlinkSync('../nowhere/at all', join(tree, 'a/dangling'))
  fs.symlinkSync('deep', join(tree, 'a/to-directory'))
  fs.utimesSync(join(tree, 'plain'), 1_000_000_000.25, 1_000_000_000.25)
  fs.utimesSync(join(tree, 'nothing'), -86_400.5, -86_400.5)
  fs.lutimesSync(join(tree, 'link'), 1_234_567_890, 1_234_567_890)
  fs.chmodSync(join(tree, 'empty/within'), 0o750)
  // To the microsecond, which is what Node can set.
  for (const name of ['a/large', 'a/run', 'a/dangling', 'a/to-directory', 'empty/within']) {
    fs.lutimesSync(join(tree, name), 1_500_000_000.123456, 1_500_000_000.123456)
  }
  fs.chmodSync(join(tree, 'closed'), 0o500)
  fs.utimesSync(join(tree, 'closed'), 1_111_111_111, 1_111_111_111)
}

await t.test('a tree comes back with modes, times, links and empty directories', async (t) => {
  const { tree, out, store, run } = scratch(t, { tree: {} })
  growTree(tree)
  const expected = describeTree(tree)
  const imported = await run(['import', tree, '--json'])
  t.equal(imported.status, 0, imported.stderr)
  t.match(reportOf(imported), { files: 13, links: 3, directories: 2, skipped: [] })
  t.match(imported.stderr, /^linkstore: imported 13 files, 3 symbolic links, 2 empty directories, /)
  const exported = await run(['export', out, '--json'])
  t.equal(exported.status, 0, exported.stderr)
  const { bytes } = reportOf(imported)
  t.match(reportOf(exported), { files: 13, links: 3, directories: 2, bytes, skipped: [] })
  t.same(describeTree(out), expected)

  t.match(await run(['export', out]), { status: 0 }, 'and once more over itself')
  t.same(describeTree(out), expected)
  const info = openSync(store).stat('plain')
  t.same(info?.metadata, { mode: '644', mtime: '1000000000.250000000' })
  t.same(leftovers(store), [])
  fs.chmodSync(join(tree, 'closed'), 0o700)
  fs.chmodSync(join(out, 'closed'), 0o700)
})

await t.test('a prefix is put before the paths, and taken off again', async (t) => {
  const { tree, out, store, run } = scratch(t, { tree: {} })
  fs.writeFileSync(join(tree, 'file'), 'value')
  fs.mkdirSync(join(tree, 'empty'))
  fill(store, { other: 'other', 'photos-2': 'other' })
  t.match(await run(['import', tree, '--prefix', 'photos/']), { status: 0 })
  const keys = (await run(['ls', 'photos/'])).stdout.toString().split('\n').sort()
  t.same(keys, ['', 'photos/empty/', 'photos/file'])
  t.match(await run(['export', out, '--prefix', 'photos/']), { status: 0 })
  t.same(describeTree(out), describeTree(tree))
})

await t.test('what cannot be kept is skipped and named', async (t) => {
  const { dir, tree, out, run } = scratch(t, { tree: {} })
  fs.writeFileSync(join(tree, 'good'), 'good')
  fs.mkdirSync(join(tree, 'sub'))
  execFileSync('mkfifo', [join(tree, 'sub/pi\u001bpe')])
  fs.writeFileSync(Buffer.from(`${tree}/sub/\xff\xfe`, 'latin1'), 'not UTF-8')
  const server = createServer().listen(`${tree}/socket`)
  t.teardown(() => server.close())
  const { status, stderr } = await run(['import', tree])
  t.equal(status, 3)
  const lines = stderr.split('\n').sort()
  t.match(lines, [
    '',
    /^linkstore: imported 1 file, 4 bytes in .* s; skipped 3, as named above$/,
    'linkstore: skipped "socket": it is a socket',
    'linkstore: skipped "sub/pi\\u001bpe": it is a pipe',
    /^linkstore: skipped "sub\/.*": its name is not UTF-8$/,
  ])
  t.match(await run(['export', out]), { status: 0 })
  t.same(fs.readdirSync(out), ['good'])
  const json = reportOf(await run(['import', tree, '--json', '-d', join(dir, 'other')]))
  t.same(json.skipped.map(({ reason }) => reason).sort(), [
    'it is a pipe',
    'it is a socket',
    'its name is not UTF-8',
  ])
})

await t.test('a file that changes while it is read is not kept', async (t) => {
  const { tree } = scratch(t, { tree: {} })
  const path = join(tree, 'file')
  const changes: Record<string, () => void> = {
    grows: () => fs.appendFileSync(path, 'more'),
    shrinks: () => fs.truncateSync(path, LARGE.length - 10),
    'is written to': () => {
      fs.utimesSync(path, 1, 1)
    },
  }
  for (const [what, change] of Object.entries(changes)) {
    fs.writeFileSync(path, LARGE)
    const file = await SourceFile.open(path)
    const content = await file.content()
    const read = async (): Promise<void> => {
      let pieces = 0
      for await (const _ of content as AsyncIterable<Buffer>) if ((pieces += 1) === 1) change()
    }
    await t.rejects(read(), { name: 'Skip', message: /changed while it was read/ }, what)
    await file.close()
  }
  fs.rmSync(path)
  const gone = { name: 'Skip', message: 'it vanished meanwhile' }
  await t.rejects(SourceFile.open(path), gone)
  await t.rejects(readLink(path), gone)
  await t.rejects(statDirectory(path), gone)
  fs.symlinkSync('/etc/passwd', path)
  await t.rejects(SourceFile.open(path), { name: 'Skip' }, 'a link that took its place')
  await t.rejects(statDirectory(path), { name: 'Skip' })
  fs.rmSync(path)
  execFileSync('mkfifo', [path])
  await t.rejects(SourceFile.open(path), { name: 'Skip' }, 'a pipe does not make it wait')
})

await t.test('parts share a tree without a word, each file once', async (t) => {
  const { tree, store, run } = scratch(t, { tree: {} })
  for (let i = 0; i < 60; i += 1) fs.writeFileSync(join(tree, `file-${i}`), '')
  for (let i = 0; i < 20; i += 1) fs.symlinkSync('x', join(tree, `link-${i}`))
  for (let i = 0; i < 20; i += 1) fs.mkdirSync(join(tree, `empty-${i}`))
  const parts = ['1/3', '2/3', '3/3']
  const ended = await Promise.all(
    parts.map((part) => run(['import', tree, '--json', '--part', part])),
  )
  const reports = ended.map(reportOf)
  const sum = (count: (report: Report) => number): number =>
    reports.reduce((total, report) => total + count(report), 0)
  t.equal(
    sum(({ files }) => files),
    60,
  )
  t.equal(
    sum(({ links }) => links),
    20,
  )
  t.equal(
    sum(({ directories }) => directories),
    20,
  )
  for (const { files } of reports) t.ok(files > 5, 'and nobody has it all')
  t.equal(openSync(store).count(), 100)
})

await t.test('a raw store keeps the files, and says what it cannot keep', async (t) => {
  const { tree, store, run } = scratch(t, { tree: {} })
  fs.writeFileSync(join(tree, 'file'), 'value', { mode: 0o755 })
  fs.symlinkSync('file', join(tree, 'link'))
  fs.mkdirSync(join(tree, 'empty'))
  const { status, stderr } = await run(['import', tree, '--format', 'raw'])
  t.equal(status, 3)
  t.match(stderr, 'skipped "link": a store of format raw cannot keep symbolic links')
  t.match(stderr, 'skipped "empty": a store of format raw cannot keep empty directories')
  t.match(await run(['get', 'file']), { stdout: Buffer.from('value') })
  t.match(await run(['export', 'out']), { status: 3, stderr: /raw format does not keep keys/ })
  t.equal(openSync(store).count(), 1)
})

await t.test('a store is kept out of its own imports and exports', async (t) => {
  const { dir, tree, run } = scratch(t, { tree: {} })
  fs.writeFileSync(join(tree, 'file'), 'value')
  const store = join(tree, 'the/store')
  const env = { LINKSTORE_DIR: store }
  const imported = await run(['import', tree], { env })
  t.equal(imported.status, 0)
  t.match(imported.stderr, 'the store itself is not imported')
  t.equal((await run(['ls'], { env })).stdout.toString(), 'file\n')
  fs.symlinkSync(tree, join(dir, 'link'))
  for (const words of [
    ['import', store],
    ['import', join(store, '.tmp')],
    ['import', join(dir, 'link/the/store')],
    ['export', store],
    ['export', join(store, 'aa')],
  ]) {
    const { status, stderr } = await run(words, { env })
    t.equal(status, 2, stderr)
    t.match(stderr, /a store cannot be (im|ex)ported into itself/)
  }
  fill(store, { 'the/store/linkstore.json': 'no store any more', 'the/stores': 'ok' })
  const { status, stderr } = await run(['export', tree], { env })
  t.equal(status, 3)
  t.match(stderr, 'skipped "the/store/linkstore.json": the store itself lies there')
  t.equal(fs.readFileSync(join(tree, 'the/stores'), 'utf8'), 'ok')
  t.match(await run(['verify'], { env }), { status: 0 })
})

await t.test(
  'four processes import node_modules, while a fifth exports and lists',
  { timeout: 590_000 },
  async (t) => {
    const source = fs.realpathSync('node_modules')
    const dir = fs.mkdtempSync(join(tmpdir(), 'linkstore-tree-'))
    t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
    const store = join(dir, 'store')
    const run = (...words: string[]): Promise<Outcome> =>
      start(process.execPath, [MAIN, ...words], {
        input: '',
        env: { LINKSTORE_DIR: store },
        timeoutMs: 240_000,
      }).ended
    const keys = new Set(
      execFileSync('find', [source, '-not', '-type', 'd', '-printf', '%P\\n'], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      })
        .trimEnd()
        .split('\n'),
    )

    let importing = true
    const imports = Promise.all(
      ['1/4', '2/4', '3/4', '4/4'].map((part) =>
        run('import', source, '--part', part, '--durability', 'none', '--json'),
      ),
    ).finally(() => (importing = false))
    await until(() => fs.existsSync(join(store, 'linkstore.json')))
    let rounds = 0
    for (; importing; rounds += 1) {
      const out = join(dir, `out-${rounds}`)
      const exported = await run('export', out, '--durability', 'none')
      t.equal(exported.status, 0, exported.stderr)
      const differences = await start('diff', ['-r', '--no-dereference', source, out]).ended
      const lines = differences.stdout.toString().split('\n')
      const wrong = lines.filter((line) => line !== '' && !line.startsWith(`Only in ${source}`))
      t.same(wrong, [], 'what is exported early is whole')
      const listed = await run('ls')
      t.equal(listed.status, 0, listed.stderr)
      const strangers = listed.stdout.toString().split('\n').slice(0, -1)
      t.same(
        strangers.filter((key) => !keys.has(key)),
        [],
      )
      fs.rmSync(out, { recursive: true })
    }
    t.ok(rounds > 0, `${rounds} exports meanwhile`)
    const ended = await imports
    for (const { status, stderr } of ended) t.equal(status, 0, stderr)
    const total = ended.map(reportOf).reduce((sum, { files, links }) => sum + files + links, 0)
    t.equal(total, keys.size)

    const out = join(dir, 'out')
    t.match(await run('export', out, '--durability', 'none'), { status: 0 })
    for (const words of [['-r'], ['-r', '--no-dereference']]) {
      const { status, stdout, stderr } = await start('diff', [...words, source, out]).ended
      t.equal(status, 0)
      t.equal(stdout.toString() + stderr, '', 'diff prints nothing')
    }
    const verified = await run('verify', '--json')
    t.equal(verified.status, 0)
    t.match(JSON.parse(verified.stdout.toString()), { objects: keys.size, findings: [] })
    t.equal((await run('count')).stdout.toString(), `${keys.size}\n`)
    t.same(leftovers(store), [])
  },
)
