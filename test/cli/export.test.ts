import t from 'tap'
import * as fs from 'node:fs'
import { basename, join } from 'node:path'
import { openSync } from '../../index.js'
import { MAIN, shell, start } from './command.js'
import { fill, LARGE, leftovers, scratch, until } from './scratch.js'

await t.test('no key can leave the directory of an export', async (t) => {
  const { dir, out, store, run } = scratch(t, { tree: {} })
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
  const { out, store, run } = scratch(t, { tree: {} })
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
  const { out, store, run } = scratch(t, { tree: {} })
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
  const { dir, out, store, run } = scratch(t, { tree: {} })
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
  const { out, store, run } = scratch(t, { tree: {} })
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
  const { dir, tree, out, store } = scratch(t, { tree: {} })
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
  const { tree, out, store } = scratch(t, { tree: {} })
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
