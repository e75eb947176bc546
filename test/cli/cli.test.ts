import t from 'tap'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { openSync } from '../../index.js'
import { MAIN, shell, start } from './command.js'
import { leaveBehind } from '../support/leftovers.js'
import { eachCase, FIVE_MEGABYTES, isOneLine, leftovers, scratch } from './scratch.js'

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i)

await t.test('values go in and come out byte for byte', async (t) => {
  const { dir, run } = scratch(t)
  await eachCase(
    [
      ['every byte', EVERY_BYTE],
      ['nothing', new Uint8Array()],
      ['five megabytes', FIVE_MEGABYTES],
    ] as const,
    async ([name, value]) => {
      const bytes = Buffer.from(value)
      const file = join(dir, name)
      t.match(await run(['set', name], { input: value }), { status: 0, stderr: '' })
      const got = await run(['get', name])
      t.equal(got.status, 0)
      t.equal(got.stderr, '')
      t.ok(got.stdout.equals(bytes), `${name} through the pipes`)

      fs.writeFileSync(file, bytes)
      t.match(await run(['set', `${name} file`, '-f', file]), { status: 0, stderr: '' })
      t.match(await run(['get', `${name} file`, '-o', `${file}.out`]), { status: 0, stderr: '' })
      t.ok(fs.readFileSync(`${file}.out`).equals(bytes), `${name} through files`)
    },
  )
  await run(['set', 'words', 'Grüße, "welt" '])
  t.equal((await run(['get', 'words'])).stdout.toString(), 'Grüße, "welt" ')
  await run(['set', '--', '-dash', '-5'])
  t.equal((await run(['get', '--', '-dash'])).stdout.toString(), '-5')
  await run(['set', '', 'the empty key'])
  t.equal((await run(['get', ''])).stdout.toString(), 'the empty key')
})

await t.test('what is not there ends with 1 and says so in one line', async (t) => {
  const { store, run } = scratch(t)
  openSync(store).close()
  const cases = [
    ['get'],
    ['rm'],
    ['take'],
    ['stat'],
    ['stat', '--json'],
    ['cp', 'to'],
    ['mv', 'to'],
  ]
  await eachCase(cases, async ([verb = '', ...more]) => {
    const { status, stdout, stderr } = await run([verb, 'no\u001bsuch', ...more])
    t.equal(status, 1, verb)
    t.equal(stdout.length, 0, verb)
    t.equal(stderr, 'linkstore: no object has the key "no\\u001bsuch"\n', verb)
  })
  t.match(await run(['has', 'absent']), { status: 1, stdout: { length: 0 }, stderr: '' })
  t.match(await run(['get', 'absent', '-o', 'out']), { status: 1 })
  t.notOk(fs.existsSync(join(store, '..', 'out')), 'and makes no file')
})

await t.test('add stores once, take gives once', async (t) => {
  const { run } = scratch(t)
  t.match(await run(['add', 'job', 'first']), { status: 0, stderr: '' })
  const second = await run(['add', 'job', 'second'])
  t.equal(second.status, 1)
  t.match(second.stderr, /"job" has an object already/)
  t.ok(isOneLine(second.stderr))
  t.match(await run(['has', 'job']), { status: 0 })
  const taken = await run(['take', 'job'])
  t.equal(taken.status, 0)
  t.equal(taken.stdout.toString(), 'first')
  t.match(await run(['take', 'job']), { status: 1 })
  await run(['set', 'job', 'third'])
  t.match(await run(['rm', 'job']), { status: 0, stdout: { length: 0 }, stderr: '' })
  t.match(await run(['has', 'job']), { status: 1 })
})

await t.test('cp, mv, count, clear and destroy do what they say', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'a', 'value', '--meta', 'x=1'])
  t.match(await run(['cp', 'a', 'b']), { status: 0, stderr: '' })
  t.match(await run(['mv', 'a', 'c']), { status: 0, stderr: '' })
  t.match(await run(['has', 'a']), { status: 1 })
  for (const key of ['b', 'c']) {
    t.equal((await run(['get', key])).stdout.toString(), 'value')
    t.match(JSON.parse((await run(['stat', key, '--json'])).stdout.toString()), {
      metadata: { x: '1' },
    })
  }
  t.equal((await run(['count'])).stdout.toString(), '2\n')
  t.match(await run(['clear', '--yes']), { status: 0, stderr: 'linkstore: removed 2 objects\n' })
  t.equal((await run(['count'])).stdout.toString(), '0\n')

  await run(['set', 'a', 'value'])
  fs.writeFileSync(join(store, 'mine.txt'), 'not the store’s')
  const refused = await run(['destroy', '--yes'])
  t.equal(refused.status, 3)
  t.match(refused.stderr, /mine\.txt/)
  t.ok(fs.existsSync(join(store, 'mine.txt')))
  fs.unlinkSync(join(store, 'mine.txt'))
  t.match(await run(['destroy', '--yes']), { status: 0 })
  t.same(fs.readdirSync(dir), [])
})

await t.test('set and add take ttl, content type, metadata, durability and format', async (t) => {
  const { dir, run } = scratch(t)
  const attributes = ['--content-type', 'text/plain', '--meta', 'a=1', '--meta', 'b=x=y']
  await eachCase(['set', 'add'], async (verb) => {
    t.match(await run([verb, verb, 'v', ...attributes, '--ttl', '2h', '--durability', 'file']), {
      status: 0,
    })
    const info = JSON.parse((await run(['stat', verb, '--json'])).stdout.toString()) as {
      writtenAtMs: number
      expiresAtMs: number
    }
    t.match(info, {
      key: verb,
      sizeBytes: 1,
      contentType: 'text/plain',
      metadata: { a: '1', b: 'x=y' },
    })
    t.equal(info.expiresAtMs - info.writtenAtMs, 2 * 60 * 60 * 1000)
    const human = (await run(['stat', verb])).stdout.toString()
    t.match(human, new RegExp(`key +${verb}\nsize +1 bytes?\n`))
    t.match(human, /content type +text\/plain\n/)
    t.match(human, /metadata +b=x=y\n/)
  })
  t.match(await run(['set', 'short', 'v', '--ttl', '1ms']), { status: 0 })
  t.match(await run(['get', 'short']), { status: 1 })

  const raw = join(dir, 'raw')
  t.match(await run(['-d', raw, 'set', 'k', 'v', '--format', 'raw']), { status: 0 })
  t.match(await run(['-d', raw, 'get', 'k']), { status: 0, stdout: Buffer.from('v') })
  t.match(await run(['-d', raw, 'set', 'k', 'v', '--ttl', '1s']), { status: 3 })
  t.match(await run(['-d', raw, 'set', 'k', 'v', '--format', 'envelope']), { status: 3 })
  t.match(await run(['-d', raw, 'ls']), { status: 3 })
})

await t.test('durations need a unit, and all units are known', async (t) => {
  const { store, run } = scratch(t)
  const seconds = { '500ms': 0.5, '30s': 30, '1.5m': 90, '2h': 7200, '7d': 604_800 }
  await eachCase(Object.entries(seconds), async ([text, expected]) => {
    t.match(await run(['set', text, 'v', '--ttl', text, '--durability', 'none']), { status: 0 })
    if (expected < 1) return
    const info = openSync(store).stat(text)
    t.equal(((info?.expiresAtMs ?? 0) - (info?.writtenAtMs ?? 0)) / 1000, expected)
  })
  await eachCase(
    ['5', '', 's', '-5s', '1w', '1 h', '5S', '1e3s', '0s', '999999999d'],
    async (text) => {
      const { status, stderr } = await run(['set', 'k', 'v', `--ttl=${text}`])
      t.equal(status, 2, text)
      t.ok(isOneLine(stderr), stderr)
    },
  )
})

await t.test('ls prints keys, long lines or JSON', async (t) => {
  const { store, run } = scratch(t)
  const objects = openSync(store, { durability: 'none' })
  objects.set('user:1', 'one', { contentType: 'text/\u001bplain' })
  objects.set('user:2', 'twelve bytes')
  objects.set('other', '')
  objects.close()
  const linesOf = async (...words: string[]): Promise<string[]> =>
    (await run(['ls', ...words])).stdout.toString().split('\n').slice(0, -1).sort()
  t.same(await linesOf(), ['other', 'user:1', 'user:2'])
  t.same(await linesOf('user:'), ['user:1', 'user:2'])
  t.same(await linesOf('nothing'), [])
  const [one, two] = await linesOf('user:', '-l')
  t.match(one, /^ +3 {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}text\/\\u001bplain {2}user:1$/)
  t.match(two, /^ +12 {2}\S+Z {2}- {2}user:2$/)
  const parsed = (await linesOf('--json')).map((line) => JSON.parse(line) as { key: string })
  t.same(parsed.map(({ key }) => key).sort(), ['other', 'user:1', 'user:2'])
})

await t.test('-o replaces a file whole, and writes into what is no file', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'k'], { input: FIVE_MEGABYTES })
  const file = join(dir, 'out')
  fs.writeFileSync(file, 'old', { mode: 0o600 })
  fs.symlinkSync('out', join(dir, 'link'))
  t.match(await run(['get', 'k', '-o', 'link']), { status: 0 })
  t.ok(fs.lstatSync(join(dir, 'link')).isSymbolicLink(), 'a link stays one')
  t.ok(fs.readFileSync(file).equals(FIVE_MEGABYTES))
  t.equal(fs.statSync(file).mode & 0o777, 0o600, 'and the mode what it was')

  flipBit(store)
  fs.writeFileSync(file, 'old')
  t.match(await run(['get', 'k', '-o', 'out']), { status: 3, stderr: /crc32/ })
  t.equal(fs.readFileSync(file, 'utf8'), 'old', 'a corrupt value replaces nothing')

  await run(['set', 'k', 'value'])
  execFileSync('mkfifo', [join(dir, 'pipe')])
  const reader = start('cat', [join(dir, 'pipe')])
  t.match(await run(['get', 'k', '-o', 'pipe']), { status: 0 })
  t.equal((await reader.ended).stdout.toString(), 'value')
  t.ok(fs.lstatSync(join(dir, 'pipe')).isFIFO(), 'a pipe stays one')
  t.same(fs.readdirSync(dir).sort(), ['link', 'out', 'pipe', 'store'])
})

/** Flips one bit in the middle of the only object of a store. */
function flipBit(store: string): string {
  const [path = ''] = fs
    .readdirSync(store, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^..\/..\/[0-9a-f]{60}$/.test(name))
  const bytes = fs.readFileSync(join(store, path))
  bytes[100] = (bytes[100] ?? 0) ^ 1
  fs.writeFileSync(join(store, path), bytes)
  return path.replaceAll('/', '')
}

await t.test('a value that take cannot give out is not lost', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'job'], { input: FIVE_MEGABYTES })
  await run(['set', 'small', 'v', '--ttl', '1h', '--meta', 'a=1', '--content-type', 'text/x'])
  fs.mkdirSync(join(dir, 'directory'))
  for (const file of ['directory', 'no/where']) {
    t.match(await run(['take', 'job', '-o', file]), { status: 3 })
    t.match(await run(['has', 'job']), { status: 0 }, 'refused before it is taken')
  }
  const env = { LINKSTORE_DIR: store }
  const full = await shell('linkstore take small >/dev/full', { cwd: dir, env })
  t.equal(full.status, 3)
  t.match(full.stderr, /cannot write to standard output: no space left on device\n$/)
  t.match(full.stderr, /"small" could not be given out and was put back/)
  t.match(JSON.parse((await run(['stat', 'small', '--json'])).stdout.toString()), {
    metadata: { a: '1' },
    contentType: 'text/x',
    expiresAtMs: Number,
  })

  const { child, ended } = start(process.execPath, [MAIN, 'take', 'job'], { env })
  child.stdout?.pause()
  await once(child.stdout!, 'readable')
  child.kill('SIGTERM')
  await once(child, 'exit')
  child.stdout?.resume()
  t.match((await ended).stderr, /was put back/, 'nor when it is interrupted')
  t.ok((await run(['get', 'job'])).stdout.equals(FIVE_MEGABYTES))
  t.same(leftovers(store), [])
})

await t.test('verify names what is corrupt, and what is not the store’s', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'key'], { input: FIVE_MEGABYTES })
  t.match(await run(['verify']), {
    status: 0,
    stdout: { length: 0 },
    stderr: 'linkstore: 1 object sound, 5.0 MB; 0 corrupt, 0 foreign\n',
  })
  fs.writeFileSync(join(store, 'foreign\u001b'), '')
  const foreign = await run(['verify'])
  t.equal(foreign.status, 0, 'a foreign file does no harm')
  t.match(foreign.stdout.toString(), /^foreign {2}- {2}\S+\/foreign\\u001b {2}not a file/)
  const hash = flipBit(store)
  const corrupt = await run(['verify'])
  t.equal(corrupt.status, 3)
  t.match(
    corrupt.stdout.toString(),
    new RegExp(`^corrupt {2}${hash} {2}${dir}\\S+ {2}.*crc32`, 'm'),
  )
  t.match(corrupt.stderr, '0 objects sound, 0 bytes; 1 corrupt, 1 foreign')
  const json = await run(['verify', '--json'])
  t.equal(json.status, 3)
  t.match(JSON.parse(json.stdout.toString()), {
    objects: 0,
    bytes: 0,
    findings: [{ kind: 'foreign' }, { kind: 'corrupt', hash }],
  })
  const got = await run(['get', 'key'])
  t.equal(got.status, 3)
  t.match(got.stderr, hash)
})

await t.test('verify moves what is corrupt into quarantine if it is asked to', async (t) => {
  const { store, run } = scratch(t)
  await run(['set', 'key', '--ttl', '1h'], { input: FIVE_MEGABYTES })
  flipBit(store)
  const moved = await run(['verify', '--quarantine'])
  t.equal(moved.status, 3)
  const line = moved.stdout.toString()
  const when = new RegExp(`written ${new Date().getUTCFullYear()}-\\S+Z by \\S+`)
  t.match(line, /^corrupt {2}.* {2}key "key" {2}/)
  t.match(line, when)
  t.match(line, `moved to ${store}/.quarantine/`)
  t.match(await run(['verify']), { status: 0, stdout: { length: 0 } })
  t.match(await run(['has', 'key']), { status: 1 })
})

await t.test('sweep removes what is old, and says what', async (t) => {
  const { store, run } = scratch(t)
  await run(['set', 'gone', 'value', '--ttl', '1ms'])
  for (const key of ['a', 'b', 'c']) await run(['set', key, 'value'])
  t.match(await run(['sweep']), {
    status: 0,
    stdout: { length: 0 },
    stderr: 'linkstore: there is nothing to remove\n',
  })
  const dead = leaveBehind(store, { '1': 'half' })
  const words = ['sweep', '--grace', '10ms', '--max-objects', '2']
  const dry = await run([...words, '--dry-run'])
  t.equal(dry.status, 0)
  t.match(dry.stdout.toString(), /^abandoned +2 +4 bytes {2}.*\nexpired +1 .*\nevicted +1 .*\n$/)
  t.match(dry.stderr, /^linkstore: would remove 4 names, \d+ bytes\n$/)
  t.ok(fs.existsSync(dead))
  const report = JSON.parse((await run([...words, '--json'])).stdout.toString()) as object
  t.match(report, {
    abandoned: { count: 2, bytes: 4 },
    expired: { count: 1 },
    evicted: { count: 1 },
  })
  t.notOk(fs.existsSync(dead))
  t.match(await run(['count']), { stdout: Buffer.from('2\n') })
})

await t.test('sizes, counts and durations of a sweep are checked', async (t) => {
  const { run } = scratch(t)
  await run(['set', 'key', 'value'])
  await eachCase(
    [
      ['sweep', '--max-bytes', '10XB'],
      ['sweep', '--max-bytes', '-1'],
      ['sweep', '--max-objects', '1.5'],
      ['sweep', '--grace', '1'],
    ],
    async (words) => {
      const { status, stderr } = await run(words)
      t.equal(status, 2, stderr)
    },
  )
  for (const size of ['200', '0.2kB', '1KiB', '2GiB']) {
    t.match(await run(['sweep', '--max-bytes', size]), { status: 0 }, size)
  }
  t.match(await run(['count']), { stdout: Buffer.from('1\n') })
  t.match(await run(['sweep', '--max-bytes', '0.01kB']), { status: 0 })
  t.match(await run(['count']), { stdout: Buffer.from('0\n') })
})
