import t, { type Test } from 'tap'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { openSync } from '../../index.js'
import { linkstore, MAIN, shell, start, type How, type Outcome } from './command.js'

const COMMANDS = [
  ...['set', 'get', 'has', 'rm', 'add', 'take', 'ls', 'stat', 'cp', 'mv', 'count', 'clear'],
  ...['import', 'export', 'verify', 'destroy', 'demo'],
]
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i)
const FIVE_MEGABYTES = Buffer.alloc(5_000_000, EVERY_BYTE)
const HOSTILE = 'tab\tline\nescape\u001b[31m\u009b2J bidi\u202e\u2066 zero\u200b\ufeff back\\slash'
const HARMFUL = /[\p{Cc}\p{Cf}]/u

/** A scratch directory, with the command bound to a store in it. */
function scratch(t: Test): {
  dir: string
  store: string
  run: (words: readonly string[], how?: How) => Promise<Outcome>
} {
  const dir = t.testdir({})
  const store = join(dir, 'store')
  const env = { LINKSTORE_DIR: store }
  return { dir, store, run: (words, how = {}) => linkstore(words, { cwd: dir, env, ...how }) }
}

/** Runs the cases two at a time: starting a process is most of what they do. */
async function eachCase<T>(cases: readonly T[], check: (one: T) => Promise<void>): Promise<void> {
  const left = [...cases]
  const work = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await check(one)
  }
  await Promise.all([work(), work()])
}

/** Private names that are left in a store. */
function leftovers(store: string): string[] {
  return fs.existsSync(join(store, '.tmp')) ? fs.readdirSync(join(store, '.tmp')) : []
}

/** What a command says when it fails: one line, harmless, that begins with its name. */
function isOneLine(text: string): boolean {
  return /^linkstore: [^\n]+\n$/.test(text) && !HARMFUL.test(text.slice(0, -1))
}

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

await t.test('no key, path or message can write to a terminal', async (t) => {
  const { dir, run } = scratch(t)
  t.match(await run(['set', HOSTILE, 'v', '--meta', `${HOSTILE}=${HOSTILE}`]), { status: 0 })
  const escaped =
    'tab\\tline\\nescape\\u001b[31m\\u009b2J bidi\\u202e\\u2066 zero\\u200b\\ufeff back\\\\slash'
  t.equal((await run(['ls'])).stdout.toString(), `${escaped}\n`)
  t.match((await run(['stat', HOSTILE])).stdout.toString(), escaped)
  await eachCase(
    [
      ['ls', '--json'],
      ['stat', HOSTILE, '--json'],
    ],
    async (words) => {
      const { stdout } = await run(words)
      t.notMatch(stdout.toString().trimEnd(), HARMFUL)
      t.equal((JSON.parse(stdout.toString()) as { key: string }).key, HOSTILE, 'JSON is exact')
    },
  )
  const odd = join(dir, HOSTILE)
  await eachCase(
    [
      ['get', `${HOSTILE}!`],
      ['add', HOSTILE, 'v'],
      ['-d', odd, 'get', 'k'],
      ['set', 'k', '-f', odd],
      ['set', 'k', 'v', `--${HOSTILE}`],
      ['clear', '-d', odd],
      [HOSTILE],
    ],
    async (words) => {
      const { stderr } = await run(words)
      t.ok(isOneLine(stderr), JSON.stringify(stderr))
    },
  )
})

await t.test('wrong usage ends with 2 and one line that helps', async (t) => {
  const { dir, run } = scratch(t)
  const cases: [string[], RegExp][] = [
    [['sett', 'k'], /Did you mean set/],
    [['set', 'k', 'v', '--tll', '5s'], /Did you mean --ttl/],
    [['set'], /missing required argument/],
    [['get', 'a', 'b'], /too many arguments/],
    [['get', 'a', '-o'], /argument missing/],
    [['set', 'k', 'v', '-f', 'file'], /not both/],
    [['set', 'k', 'v', '--durability', 'most'], /full, file, none/],
    [['set', 'k', 'v', '--format', 'xml'], /envelope, raw/],
    [['set', 'k', 'v', '--meta', 'color'], /equals sign/],
    [['set', 'k', 'v', '--meta', '=blue'], /equals sign/],
    [['set', 'k', 'v', '--meta', `x=${'y'.repeat(70_000)}`], /65536 bytes/],
    [['set', 'k'.repeat(70_000), 'v'], /65536 bytes/],
    [['clear'], /--yes/],
    [['destroy'], /--yes/],
    [['import', '.', '--part', '0/4'], /1\/4/],
    [['import', '.', '--part', '5/4'], /1\/4/],
    [['import', '.', '--part', 'half'], /1\/4/],
    [['demo', '--seconds', 'few'], /number/],
    [['demo', '--processes', '0'], /between/],
  ]
  await eachCase(cases, async ([words, expected]) => {
    const { status, stdout, stderr } = await run(words)
    t.equal(status, 2, stderr)
    t.ok(isOneLine(stderr), stderr)
    t.match(stderr, expected)
    t.equal(stdout.length, 0)
  })
  for (const env of [{ LINKSTORE_DIR: undefined }, { LINKSTORE_DIR: '' }]) {
    const { status, stderr } = await linkstore(['get', 'k'], { env, cwd: dir })
    t.equal(status, 2)
    t.match(stderr, /-d, or set LINKSTORE_DIR/)
  }
  t.match(await run([]), { status: 2, stdout: { length: 0 }, stderr: /Usage: linkstore/ })
  const bytes = await shell(`linkstore -d s set k "$(printf 'a\\xffb')"`, { cwd: dir })
  t.equal(bytes.status, 2, 'words that Node cannot know')
  t.match(bytes.stderr, /not UTF-8/)
  t.match(await run(['set', 'replacement', '\ufffd']), { status: 0 })
})

await t.test('only what writes values makes a store', async (t) => {
  const { dir, store, run } = scratch(t)
  fs.mkdirSync(join(dir, 'tree'))
  const cases = [
    ['get', 'k'],
    ['has', 'k'],
    ['rm', 'k'],
    ['take', 'k'],
    ['ls'],
    ['stat', 'k'],
    ['cp', 'a', 'b'],
    ['mv', 'a', 'b'],
    ['count'],
    ['clear', '--yes'],
    ['export', 'out'],
    ['verify'],
    ['destroy', '--yes'],
    ['import', 'nowhere'],
    ['set', 'k', 'v', '--ttl', 'soon'],
  ]
  await eachCase(cases, async (words) => {
    const { status, stdout, stderr } = await run(words)
    t.equal(status, words[0] === 'set' ? 2 : 3, words.join(' '))
    t.equal(stdout.length, 0)
    t.ok(isOneLine(stderr), stderr)
    if (words[0] !== 'import' && words[0] !== 'set') t.match(stderr, /does not exist/)
  })
  t.same(fs.readdirSync(dir), ['tree'])
  for (const words of [
    ['set', 'k', 'v'],
    ['add', 'k', 'v'],
    ['import', 'tree'],
  ]) {
    t.match(await run(words), { status: 0 }, words.join(' '))
    t.ok(fs.existsSync(join(store, 'linkstore.json')))
    fs.rmSync(store, { recursive: true })
  }
})

await t.test('the directory can be named before or after the command', async (t) => {
  const { dir, run } = scratch(t)
  const other = join(dir, 'other')
  t.match(await run(['-d', other, 'set', 'k', 'v']), { status: 0 })
  t.match(await run(['get', 'k', '-d', other]), { status: 0, stdout: Buffer.from('v') })
  t.match(await run(['get', `--directory=${other}`, 'k']), { status: 0 })
  t.match(await run(['get', 'k']), { status: 3 }, 'and wins over the environment')
  await run(['-d', other, 'set', '-d', 'near', 'k', 'v'], { cwd: dir })
  t.same(fs.readdirSync(dir).sort(), ['near', 'other'], 'the nearest one counts')
})

await t.test('a store that fails ends with 3 and one line', async (t) => {
  const { dir, store, run } = scratch(t)
  fs.mkdirSync(join(dir, 'photos'))
  fs.writeFileSync(join(dir, 'photos', 'cat.jpg'), '')
  fs.writeFileSync(join(dir, 'file'), '')
  fs.mkdirSync(join(dir, 'newer'))
  const marker = '{"format":"linkstore","version":99,"objects":"envelope"}'
  fs.writeFileSync(join(dir, 'newer', 'linkstore.json'), marker)
  await run(['set', 'k', 'v'])
  const cases: [string[], RegExp][] = [
    [['-d', 'photos', 'set', 'k', 'v'], /cat\.jpg/],
    [['-d', 'file', 'set', 'k', 'v'], /not a directory/],
    [['-d', 'newer', 'get', 'k'], /linkstore/],
    [['set', 'k', '-f', 'missing'], /cannot read missing: no such file or directory/],
    [['set', 'k', '-f', 'photos'], /cannot read photos: illegal operation on a directory/],
    [['get', 'k', '-o', 'photos'], /cannot write photos/],
    [['get', 'k', '-o', 'no/where'], /cannot write no\/where: no such file or directory/],
    [['import', 'file'], /cannot read file: it is not a directory/],
    [['export', 'file'], /file/],
  ]
  await eachCase(cases, async ([words, expected]) => {
    const { status, stderr } = await run(words)
    t.equal(status, 3, words.join(' '))
    t.ok(isOneLine(stderr), stderr)
    t.match(stderr, expected)
  })
  t.equal((await run(['get', 'k'])).stdout.toString(), 'v', 'and the old value is still there')
  t.same(leftovers(store), [])
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

await t.test('help teaches by example', async (t) => {
  const { run } = scratch(t)
  const help = await run(['--help'])
  t.equal(help.status, 0)
  t.equal(help.stderr, '')
  const text = help.stdout.toString()
  for (const name of COMMANDS) t.match(text, new RegExp(`^ {2}${name} `, 'm'))
  t.match(text, 'Examples:\n  linkstore -d things set greeting')
  await eachCase(COMMANDS, async (name) => {
    const { status, stdout, stderr } = await run([name, '--help'])
    t.equal(status, 0, name)
    t.equal(stderr, '', name)
    const example = new RegExp(`\nExamples:\n(  .*\n)*.*linkstore .*\\b${name}\\b`)
    t.match(stdout.toString(), example, name)
  })
  t.match((await run(['help', 'set'])).stdout.toString(), 'Usage: linkstore set')
  const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string }
  t.match(await run(['--version']), { status: 0, stdout: Buffer.from(`${version}\n`) })
})

await t.test('a reader that goes away ends it quietly', async (t) => {
  const { dir, store } = scratch(t)
  const objects = openSync(store, { durability: 'none' })
  for (let i = 0; i < 300; i += 1) objects.set(`${'key '.repeat(500)}${i}`, '')
  objects.set('big', FIVE_MEGABYTES)
  objects.close()
  const env = { LINKSTORE_DIR: store }
  await eachCase(['ls', 'ls --json', 'get big', 'take big'], async (words) => {
    const line = `linkstore ${words} | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = await shell(line, { cwd: dir, env })
    t.equal(stdout.toString(), '141\n', words)
    t.equal(stderr, '', words)
  })
  t.match(await shell('linkstore --help | true', { cwd: dir }), { stderr: '' })
  t.same(leftovers(store), [])
})

await t.test('an interrupted command stores nothing and leaves nothing', async (t) => {
  const { store } = scratch(t)
  const env = { LINKSTORE_DIR: store }
  await eachCase(
    [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const,
    async ([signal, expected]) => {
      const own = `${store}-${signal}`
      const { child, ended } = start(process.execPath, [MAIN, '-d', own, 'set', 'k'])
      child.stdin?.write(FIVE_MEGABYTES)
      await until(() => leftovers(own).length > 0)
      child.kill(signal)
      const { status, stdout, stderr } = await ended
      t.equal(status, expected)
      t.equal(stdout.length, 0)
      t.equal(stderr, `linkstore: interrupted by ${signal}\n`)
      t.same(leftovers(own), [])
      t.equal(openSync(own).count(), 0)
    },
  )

  const objects = openSync(store, { durability: 'none' })
  objects.set('big', FIVE_MEGABYTES)
  objects.close()
  const stuck = start(process.execPath, [MAIN, 'get', 'big'], { env })
  stuck.child.stdout?.pause()
  await once(stuck.child.stdout!, 'readable')
  stuck.child.kill('SIGTERM')
  const [code, by] = (await once(stuck.child, 'exit')) as [number | null, string | null]
  stuck.child.stdout?.destroy()
  t.ok(code === 143 || by === 'SIGTERM', 'nobody reads its output, and still it ends')
  t.same(leftovers(store), [])
})

/** Waits until something is so, but not for ever. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i += 1) {
    if (isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it did not happen within ten seconds')
}

await t.test('bars and colours are for terminals', async (t) => {
  const { dir, store, run } = scratch(t)
  const tree = join(dir, 'tree')
  fs.mkdirSync(tree)
  for (let i = 0; i < 50; i += 1) fs.writeFileSync(join(tree, `${i}`), `file ${i}`)
  const env = { LINKSTORE_DIR: store, TERM: 'xterm' }
  const bar = /(importing|exporting|verifying) \[[#-]{24}\] +\d+ % \d+ (file|object)s?/
  for (const words of [`import ${tree}`, `export ${join(dir, 'out')}`, 'verify']) {
    const piped = await run(words.split(' '))
    t.equal(piped.status, 0)
    t.ok(isOneLine(piped.stderr), 'one line, and no bar, into a pipe')
    const line = `${process.execPath} ${MAIN} ${words}`
    const onTerminal = await start('script', ['-qec', line, '/dev/null'], { input: '', env }).ended
    t.equal(onTerminal.status, 0)
    t.match(onTerminal.stdout.toString(), bar, words)
    const [, last] = onTerminal.stdout.toString().split('\r\u001b[Klinkstore: ')
    t.match(last, /^[^\n]*\n$/, 'it is gone at the end')
  }
  const failing = `${process.execPath} ${MAIN} -d nowhere get k`
  const colored = await start('script', ['-qec', failing, '/dev/null'], { input: '', env }).ended
  t.match(colored.stdout.toString(), '\u001b[31mlinkstore:\u001b[39m')
  const plainEnv = { ...env, NO_COLOR: '1' }
  const plain = start('script', ['-qec', failing, '/dev/null'], { input: '', env: plainEnv })
  t.notMatch((await plain.ended).stdout.toString(), '\u001b')
})

await t.test('to work on one object it loads no package but commander', async (t) => {
  const { dir, store, run } = scratch(t)
  const spy = join(dir, 'spy.cjs')
  fs.writeFileSync(
    spy,
    'process.on("exit", () => console.error(JSON.stringify(Object.keys(require.cache))))',
  )
  const env = { LINKSTORE_DIR: store }
  const packagesOf = async (...words: string[]): Promise<string[]> => {
    const child = start(process.execPath, ['-r', spy, ...words], { input: '', env })
    const paths = JSON.parse((await child.ended).stderr) as string[]
    const names = paths.map((path) => /node_modules\/([^/]+)/.exec(path)?.[1] ?? '')
    return [...new Set(names)].filter((name) => name !== '')
  }
  await run(['set', 'k', 'v'])
  // What the test runner itself loads into every process.
  const anyhow = new Set(await packagesOf('-e', ''))
  await eachCase(['get k', 'has k', 'set k w', 'rm k'], async (words) => {
    const packages = await packagesOf(MAIN, ...words.split(' '))
    t.same(
      packages.filter((name) => !anyhow.has(name)),
      ['commander'],
    )
  })
})
