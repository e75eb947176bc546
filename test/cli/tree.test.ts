import t, { type Test } from 'tap'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { openSync, type SyncSetOptions } from '../../index.js'
import { SourceFile, readLink, statDirectory } from '../../lib/cli/tree/source-file.js'
import { linkstore, MAIN, shell, start, type How, type Outcome } from './command.js'

const LARGE = Buffer.alloc(700_000, 'large ')

interface Report {
  readonly files: number
  readonly links: number
  readonly directories: number
  readonly bytes: number
  readonly skipped: { name: string; reason: string }[]
}

/** A scratch directory with an empty source tree, and the command bound to a store beside it. */
function scratch(t: Test): {
  dir: string
  tree: string
  out: string
  store: string
  run: (words: readonly string[], how?: How) => Promise<Outcome>
} {
  const dir = t.testdir({ tree: {} })
  const store = join(dir, 'store')
  const env = { LINKSTORE_DIR: store }
  return {
    dir,
    tree: join(dir, 'tree'),
    out: join(dir, 'out'),
    store,
    run: (words, how = {}) => linkstore(words, { cwd: dir, env, ...how }),
  }
}

function fill(store: string, values: Record<string, string>, options: SyncSetOptions = {}): void {
  const objects = openSync(store, { durability: 'none' })
  for (const [key, value] of Object.entries(values)) objects.set(key, value, options)
  objects.close()
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

/** Private names that are left in a store. */
function leftovers(store: string): string[] {
  return fs.existsSync(join(store, '.tmp')) ? fs.readdirSync(join(store, '.tmp')) : []
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
  const { tree, out, store, run } = scratch(t)
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
  const { tree, out, store, run } = scratch(t)
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
  const { dir, tree, out, run } = scratch(t)
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
  const { tree } = scratch(t)
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
  const { tree, store, run } = scratch(t)
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
  const { tree, store, run } = scratch(t)
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
  const { dir, tree, run } = scratch(t)
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

await t.test('no key can leave the directory of an export', async (t) => {
  const { dir, out, store, run } = scratch(t)
  const victim = join(dir, 'victim')
  fs.mkdirSync(victim)
  fs.mkdirSync(out)
  fs.symlinkSync(victim, join(out, 'old-link'))
  fs.symlinkSync(join(victim, 'file'), join(out, 'old-file-link'))
  const refused = [
    '../x',
    '..',
    '.',
    '',
    '/',
    'a/../../x',
    'a/./b',
    'a//b',
    '/etc/linkstore-was-here',
    `${victim}/x`,
    'nul\0byte',
    'slash/',
    'long'.repeat(64),
    `deep/${'x/'.repeat(2500)}x`,
    'old-link/x',
    '\u001b[2J/../x',
  ]
  fill(store, Object.fromEntries(refused.map((key) => [key, 'attack'])))
  fill(store, { 'old-file-link': 'replaces the link', good: 'good' })
  const metadata = { type: 'symlink' }
  const links = {
    l: victim,
    m: `${victim}/file`,
    '../escaped': '/tmp',
    'end/': '/tmp',
    'nul-target': '\0',
  }
  fill(store, links, { metadata })
  fill(store, { 'empty-target': '', 'long-target': 'x'.repeat(5000) }, { metadata })
  fill(store, { 'l/x': 'through a link of the store', 'm/x': 'attack' })
  fill(
    store,
    { '../escaped-directory/': '', 'full-directory/': 'a value' },
    { metadata: { type: 'directory' } },
  )

  const { status, stderr } = await run(['export', out])
  t.equal(status, 3)
  t.same(fs.readdirSync(victim), [], 'nothing was written through a link')
  t.same(fs.readdirSync(dir).sort(), ['out', 'store', 'tree', 'victim'], 'nor beside it')
  t.notOk(fs.existsSync('/etc/linkstore-was-here'))
  const found = fs.readdirSync(out, { recursive: true, encoding: 'utf8' }).sort()
  t.same(
    found.filter((name) => !name.startsWith('deep')),
    [...['good', 'l', 'l/x', 'm', 'm/x', 'old-file-link', 'old-link']],
  )
  t.equal(fs.readFileSync(join(out, 'old-file-link'), 'utf8'), 'replaces the link')
  t.ok(fs.lstatSync(join(out, 'old-file-link')).isFile())
  t.ok(fs.lstatSync(join(out, 'l')).isDirectory(), 'files come first, so the link is refused')

  const lines = stderr.trimEnd().split('\n')
  t.notMatch(stderr.replaceAll('\n', ''), /\p{Cc}/u)
  for (const key of [...refused, 'l', 'm', ...Object.keys(links).slice(2), 'full-directory/']) {
    const shown = JSON.stringify(key)
    t.ok(
      lines.some((line) => line.startsWith(`linkstore: skipped ${shown}: `)),
      shown.slice(0, 80),
    )
  }
  t.match(stderr, 'skipped "old-link/x": a symbolic link lies where its directory belongs')
})

await t.test('of two keys that want one place one is refused, the others go on', async (t) => {
  const { out, store, run } = scratch(t)
  fill(store, { a: 'file', 'a/b': 'below it', 'x/y': 'file', 'x/y/z': 'below it', good: 'good' })
  const { status, stderr } = await run(['export', out])
  t.equal(status, 3)
  t.equal(fs.readFileSync(join(out, 'good'), 'utf8'), 'good')
  t.match(stderr, /exported 3 files, .* skipped 2/)
  t.equal(
    (stderr.match(/a (file|directory) lies where (it|its directory) belongs/g) ?? []).length,
    2,
  )
})

await t.test('an export replaces what is there, and removes nothing', async (t) => {
  const { out, store, run } = scratch(t)
  fs.mkdirSync(join(out, 'directory'), { recursive: true })
  fs.writeFileSync(join(out, 'different'), 'old', { mode: 0o600 })
  fs.writeFileSync(join(out, 'own'), 'own')
  fs.writeFileSync(join(out, 'link'), 'a file where a link belongs')
  fs.writeFileSync(join(out, 'file'), 'a file where a directory belongs')
  fill(store, { different: 'new', directory: 'a directory is in the way', 'file/x': 'x' })
  fill(store, { link: 'different' }, { metadata: { type: 'symlink' } })
  fill(store, { 'file/': '' }, { metadata: { type: 'directory' } })
  const { status, stderr } = await run(['export', out])
  t.equal(status, 3)
  t.match(stderr, 'skipped "directory": a directory lies where it belongs')
  t.match(stderr, 'skipped "file/x": a file lies where its directory belongs')
  t.match(stderr, 'skipped "file/": a file lies where its directory belongs')
  t.same(fs.readdirSync(out).sort(), ['different', 'directory', 'file', 'link', 'own'])
  t.equal(fs.readFileSync(join(out, 'different'), 'utf8'), 'new')
  t.equal(fs.readlinkSync(join(out, 'link')), 'different')
  t.same(fs.readdirSync(join(out, 'directory')), [])
})

await t.test('metadata that no import wrote does no harm', async (t) => {
  const { dir, out, store, run } = scratch(t)
  const cases = {
    setuid: { mode: '6755' },
    'odd-mode': { mode: 'rwx', mtime: 'yesterday' },
    'odd-time': { mode: '640', mtime: '99999999999999999999' },
    'odd-type': { type: 'device', color: 'blue' },
  }
  for (const [key, metadata] of Object.entries(cases)) fill(store, { [key]: 'v' }, { metadata })
  t.match(await run(['export', out]), { status: 0 })
  fs.writeFileSync(join(dir, 'plain'), '')
  const plainMode = fs.statSync(join(dir, 'plain')).mode & 0o7777
  const modeOf = (name: string): number => fs.statSync(join(out, name)).mode & 0o7777
  t.equal(modeOf('setuid'), 0o755)
  t.equal(modeOf('odd-mode'), plainMode)
  t.equal(modeOf('odd-time'), 0o640)
  t.equal(modeOf('odd-type'), plainMode)
})

await t.test('a corrupt object is named, the others are exported', async (t) => {
  const { out, store, run } = scratch(t)
  fill(store, { good: 'good', bad: 'bad' })
  const files = fs.readdirSync(store, { recursive: true, encoding: 'utf8' })
  for (const name of files.filter((path) => basename(path).length === 60)) {
    const bytes = fs.readFileSync(join(store, name))
    if (bytes.subarray(0, 3).toString() === 'bad') bytes[0] = 'B'.charCodeAt(0)
    fs.writeFileSync(join(store, name), bytes)
  }
  const { status, stderr } = await run(['export', out])
  t.equal(status, 3)
  t.match(stderr, /skipped "bad": .*crc32/)
  t.same(fs.readdirSync(out), ['good'])
})

await t.test('what cannot be written is named, and leaves no part of itself', async (t) => {
  const { dir, tree, out, store } = scratch(t)
  fill(store, { small: 'small', large: LARGE.toString() })
  const env = { LINKSTORE_DIR: store }
  const { status, stderr } = await shell(`ulimit -f 100; linkstore export ${out}`, { env })
  t.equal(status, 3)
  t.match(stderr, 'skipped "large": file too large')
  t.same(fs.readdirSync(out), ['small'])

  fs.writeFileSync(join(tree, 'large'), LARGE)
  fs.writeFileSync(join(tree, 'small'), 'small')
  const other = { LINKSTORE_DIR: join(dir, 'other') }
  const words = `import ${tree} --durability none`
  const imported = await shell(`ulimit -f 100; linkstore ${words}`, { env: other })
  t.equal(imported.status, 3)
  t.match(imported.stderr, /linkstore: write failed: EFBIG.*\(key "large"\)/)
  t.same(leftovers(other.LINKSTORE_DIR), [])
})

await t.test('an interrupted import or export leaves nothing half-done', async (t) => {
  const { tree, out, store } = scratch(t)
  for (let i = 0; i < 300; i += 1) fs.writeFileSync(join(tree, `${i}`), LARGE)
  const env = { LINKSTORE_DIR: store }
  const interrupt = async (words: string[], isUnderWay: () => boolean): Promise<void> => {
    const { child, ended } = start(process.execPath, [MAIN, ...words], { input: '', env })
    await until(isUnderWay)
    child.kill('SIGINT')
    const { status, stderr } = await ended
    t.equal(status, 130)
    t.equal(stderr, 'linkstore: interrupted by SIGINT\n')
    t.same(leftovers(store), [])
  }
  await interrupt(['import', tree], () => fs.existsSync(store) && fs.readdirSync(store).length > 5)
  const count = openSync(store).count()
  t.ok(count > 0 && count < 300, `${count} objects were stored`)

  fill(store, Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}`, LARGE.toString()])))
  await interrupt(['export', out], () => fs.existsSync(out) && fs.readdirSync(out).length > 20)
  const names = fs.readdirSync(out)
  t.ok(names.length < 300, `${names.length} files were written`)
  t.same(
    names.filter((name) => name.startsWith('.linkstore')),
    [],
  )
  t.ok(names.every((name) => fs.statSync(join(out, name)).size === LARGE.length))
})

/** Waits until something is so, but not for ever. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 5000; i += 1) {
    if (isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error('it did not happen within ten seconds')
}

await t.test(
  'four processes import node_modules, while a fifth exports and lists',
  { timeout: 300_000 },
  async (t) => {
    const source = fs.realpathSync('node_modules')
    const dir = fs.mkdtempSync(join(tmpdir(), 'linkstore-tree-'))
    t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
    const store = join(dir, 'store')
    // Without what the test runner loads into each process, which would double the time.
    const without = ['-u', 'NODE_OPTIONS', `LINKSTORE_DIR=${store}`]
    const run = (...words: string[]): Promise<Outcome> =>
      start('env', [...without, process.execPath, MAIN, ...words], {
        input: '',
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
      const exported = await run('export', out)
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
    t.match(await run('export', out), { status: 0 })
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
