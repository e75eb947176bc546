import t from 'tap'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { openSync } from '../../index.js'
import { linkstore, MAIN, shell, start } from './command.js'
import {
  eachCase,
  FIVE_MEGABYTES,
  HARMFUL,
  isOneLine,
  leftovers,
  scratch,
  until,
} from './scratch.js'
import { startOnTerminal, WITHOUT_TERMINAL } from './terminal.js'

const COMMANDS = [
  ...['set', 'get', 'has', 'rm', 'add', 'take', 'ls', 'stat', 'cp', 'mv', 'count', 'clear', 'du'],
  ...['cell', 'lock', 'queue', 'keys', 'migrate'],
  ...['import', 'export', 'bench', 'verify', 'sweep', 'doctor', 'health', 'destroy', 'demo'],
  'completion',
]
const HOSTILE = 'tab\tline\nescape\u001b[31m\u009b2J bidi\u202e\u2066 zero\u200b\ufeff back\\slash'

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
    [['sett', 'k'], /Did you mean set\?\); see linkstore --help$/m],
    [['set', 'k', 'v', '--tll', '5s'], /Did you mean --ttl\?\); see linkstore set --help$/m],
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
    // Not on a file system known to be local, so asked more thoroughly.
    [['-d', '/proc/version', 'get', 'k'], /not a directory; name the directory of a store/],
    [['-d', 'newer', 'get', 'k'], /linkstore/],
    [['set', 'k', '-f', 'missing'], /cannot read missing: no such file or directory/],
    [['set', 'k', '-f', 'photos'], /cannot read photos: illegal operation on a directory/],
    [['get', 'k', '-o', 'photos'], /cannot write photos/],
    [['get', 'k', '-o', 'no/where'], /cannot write no\/where: no such file or directory/],
    [['import', 'file'], /cannot read file: it is not a directory/],
    [['export', 'file'], /cannot write file: it is not a directory/],
  ]
  await eachCase(cases, async ([words, expected]) => {
    const { status, stderr } = await run(words)
    t.equal(status, 3, words.join(' '))
    t.ok(isOneLine(stderr), stderr)
    t.match(stderr, expected)
  })
  const directory = await shell('linkstore set k < photos', {
    cwd: dir,
    env: { LINKSTORE_DIR: store },
  })
  t.equal(directory.status, 3)
  t.match(directory.stderr, 'cannot read standard input: it is a directory')
  t.equal((await run(['get', 'k'])).stdout.toString(), 'v', 'and the old value is still there')
  t.same(leftovers(store), [])
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
  objects.set('job', FIVE_MEGABYTES)
  objects.close()
  const env = { LINKSTORE_DIR: store }
  await eachCase(['ls', 'ls --json', 'get big', 'take job'], async (words) => {
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

await t.test('bars and colours are for terminals', { skip: WITHOUT_TERMINAL }, async (t) => {
  const { dir, store, run } = scratch(t)
  const tree = join(dir, 'tree')
  fs.mkdirSync(tree)
  for (let i = 0; i < 50; i += 1) fs.writeFileSync(join(tree, `${i}`), `file ${i}`)
  const env = { LINKSTORE_DIR: store }
  const bar = /(importing|exporting|verifying) \[[#-]+\] +\d+ % \d+/
  for (const words of [`import ${tree}`, `export ${join(dir, 'out')}`, 'verify']) {
    const piped = await run(words.split(' '))
    t.equal(piped.status, 0)
    t.ok(isOneLine(piped.stderr), 'one line, and no bar, into a pipe')
    const onTerminal = await startOnTerminal(`linkstore ${words}`, { input: '', env }).ended
    t.equal(onTerminal.status, 0)
    t.match(onTerminal.stdout.toString(), bar, words)
    const [, last] = onTerminal.stdout.toString().split('\r\u001b[Klinkstore: ')
    t.match(last, /^[^\n]*\n$/, 'it is gone at the end')
  }
  const failing = 'linkstore -d nowhere get k'
  const colored = await startOnTerminal(failing, { input: '', env }).ended
  t.match(colored.stdout.toString(), '\u001b[31mlinkstore:\u001b[39m')
  const plainEnv = { ...env, NO_COLOR: '1' }
  const plain = startOnTerminal(failing, { input: '', env: plainEnv })
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
