import t from 'tap'
import fc from 'fast-check'
import { rmSync, writeFileSync } from 'node:fs'
import { openSync } from '../../index.js'
import { Usage } from '../../lib/cli/du/usage.js'
import { selectionOf } from '../../lib/cli/listing.js'
import { placeOf } from '../support/leftovers.js'
import { shell } from './command.js'
import { eachCase, fill, HARMFUL, isOneLine, leftovers, scratch, until } from './scratch.js'
import { startOnTerminal, WITHOUT_TERMINAL } from './terminal.js'

const UTF8 = { LC_ALL: 'C.UTF-8', TERM: 'xterm' }
const LINE = '\n'

const TREE = {
  'photos/2025/cat.jpg': 'a cat',
  'photos/2025/dog.jpg': 'a large dog',
  'photos/2024/old.jpg': '',
  'photos/index': 'list',
  'user:1': 'Ada',
}

await t.test('ls sorts by key, size or time, and the other way round', async (t) => {
  const { store, run } = scratch(t)
  // In UTF-16 the emoji would come before U+FB01, in UTF-8 it comes behind.
  const keys = ['b', 'a', 'ä', '\ufb01', '😀', 'B', 'a/b', '', '-']
  fill(store, Object.fromEntries(keys.map((key, i) => [key, 'x'.repeat((i * 7) % 10)])))
  const linesOf = async (...words: string[]): Promise<string[]> => {
    const { status, stdout, stderr } = await run(['ls', ...words])
    t.equal(status, 0, stderr)
    return stdout.toString().split(LINE).slice(0, -1)
  }
  const byKey = await linesOf('--sort', 'key')
  const asSort = (await shell('LC_ALL=C sort', { input: keys.map((key) => `${key}\n`).join('') }))
    .stdout
  t.same(byKey, asSort.toString().split(LINE).slice(0, -1), 'as sort sorts bytes')
  t.same(await linesOf('--sort', 'key', '--reverse'), byKey.toReversed())
  const sizes = (await linesOf('--sort', 'size', '-l')).map((line) => Number.parseInt(line, 10))
  t.same(
    sizes,
    keys.map((_, i) => (i * 7) % 10).sort((one, other) => other - one),
  )
  const times = (await linesOf('--sort', 'time', '--json')).map(
    (line) => (JSON.parse(line) as { writtenAt: string }).writtenAt,
  )
  t.same(times, times.toSorted().toReversed())
  t.match(times[0], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same((await linesOf('--sort', 'time', '-r', '--json')).length, keys.length)
})

await t.test('ls --glob takes the keys that match, and no other', async (t) => {
  const { store, run } = scratch(t)
  const keys = ['p/a.jpg', 'p/b/c.jpg', 'p/b/.d.jpg', 'p', 'p/', 'x.jpg', 'new\nline', './a', '!a']
  fill(store, Object.fromEntries([...keys, 'user:1', 'user:2', '[a]'].map((key) => [key, ''])))
  await eachCase(
    [
      [['--glob', 'p/*.jpg'], ['p/a.jpg']],
      [
        ['--glob', 'p/**/*.jpg'],
        ['p/a.jpg', 'p/b/.d.jpg', 'p/b/c.jpg'],
      ],
      [
        ['--glob', '**/*.jpg'],
        ['p/a.jpg', 'p/b/.d.jpg', 'p/b/c.jpg', 'x.jpg'],
      ],
      [['--glob', 'user:[0-1]'], ['user:1']],
      [['--glob', 'user:{1,3}'], ['user:1']],
      [['--glob', 'new?line'], ['new\\nline']],
      [['--glob', './*'], ['./a']],
      [['--glob', '!a'], ['!a']],
      [['--glob', '\\[a]'], ['[a]']],
      [['--glob', 'p'], ['p']],
      [['p/', '--glob', '**/*c.jpg'], ['p/b/c.jpg']],
      [
        ['p/b/', '--glob', 'p/**'],
        ['p/b/.d.jpg', 'p/b/c.jpg'],
      ],
      [['user', '--glob', 'p/**'], []],
    ] as const,
    async ([words, expected]) => {
      const { status, stdout, stderr } = await run(['ls', ...words])
      t.equal(status, 0, stderr)
      t.same(stdout.toString().split(LINE).slice(0, -1).sort(), expected, words.join(' '))
    },
  )
})

await t.test('what matches a pattern begins with the prefix that the store is given', async () => {
  const characters = fc.constantFrom(...'ab/*?[]{},()!+@|\\.-^'.split(''))
  const texts = fc.array(characters, { maxLength: 8 }).map((all) => all.join(''))
  await fc.assert(
    fc.asyncProperty(texts, texts, async (glob, key) => {
      if (glob === '') return true
      const { prefix, matches } = await selectionOf(undefined, { glob })
      return !matches(key) || key.startsWith(prefix ?? '')
    }),
    { numRuns: 5000 },
  )
})

await t.test('ls --tree draws keys as directories', async (t) => {
  const { store, run } = scratch(t)
  fill(store, TREE)
  const unicode = await run(['ls', '--tree'], { env: { LINKSTORE_DIR: store, ...UTF8 } })
  t.equal(
    unicode.stdout.toString(),
    [
      store,
      '├── photos/',
      '│   ├── 2024/',
      '│   │   └── old.jpg',
      '│   ├── 2025/',
      '│   │   ├── cat.jpg',
      '│   │   └── dog.jpg',
      '│   └── index',
      '└── user:1',
      '',
    ].join(LINE),
  )
  t.equal(unicode.stderr, 'linkstore: 3 directories, 5 objects, 23 bytes\n')
  const plain = { LINKSTORE_DIR: store, LC_ALL: 'C' }
  const bySize = await run(['ls', 'photos/2', '--tree', '--sort', 'size', '-l'], { env: plain })
  const lines = bySize.stdout
    .toString()
    .replace(/\S+Z {2}/g, '')
    .split(LINE)
  t.same(lines.slice(1), [
    '          16  3 objects  `-- photos/',
    '          16  2 objects      |-- 2025/',
    '          11  -              |   |-- dog.jpg',
    '           5  -              |   `-- cat.jpg',
    '           0  1 object       `-- 2024/',
    '           0  -                  `-- old.jpg',
    '',
  ])
  const colons = await run(['ls', '--tree', '--separator', ':', '--glob', 'user:*'], { env: plain })
  t.equal(colons.stdout.toString(), `${store}\n\`-- user:\n    \`-- 1\n`)
})

await t.test('any key can be drawn, be it empty, hostile or nothing but slashes', async (t) => {
  const { store, run } = scratch(t)
  fill(store, { '': '', 'a/': '', 'a/b': '', 'a//b': '', 'e\u001b[31m/\u202e\n': '' })
  fill(store, { ['/'.repeat(60_000)]: 'deep' })
  const env = { LINKSTORE_DIR: store, LC_ALL: 'C' }
  const { status, stdout, stderr } = await run(['ls', '--tree'], { env })
  t.equal(status, 0, stderr)
  const text = stdout.toString()
  t.notMatch(text.replaceAll(LINE, ''), HARMFUL)
  t.match(text, '\n|-- ""\n')
  t.match(text, '\n|-- a/\n|   |-- /\n|   |   `-- b\n|   `-- b\n')
  t.match(text, '`-- e\\u001b[31m/\n    `-- \\u202e\\n\n')
  t.ok(text.split(LINE).length < 80, 'what lies too deep is in one line')
  t.match(stderr, /6 objects, 4 bytes\n$/)
  const usage = await run(['du', '--depth', '100'], { env })
  t.equal(usage.status, 0)
  t.notMatch(usage.stdout.toString().replaceAll(LINE, ''), HARMFUL)
})

await t.test('du tells how many, how large, how old, and where', async (t) => {
  const { dir, store, run } = scratch(t)
  fill(store, { ...TREE, 'photos/2025/big': 'x'.repeat(2500) })
  const env = { LINKSTORE_DIR: store, ...UTF8 }
  const { stdout, stderr } = await run(['du', '--depth', '2'], { env })
  t.equal(stderr, '', 'quiet in a pipe')
  const bar = '█'.repeat(36)
  const [total, , head, ...rest] = stdout.toString().split(LINE)
  t.equal(total, '6 objects, 2.5 kB; mean 421 bytes, largest 2.5 kB')
  t.equal(head, 'size               objects       bytes')
  t.same(rest.slice(0, 5), [
    `empty                    1     0 bytes  ${'█'.repeat(12)}`,
    `below 10 bytes           3    12 bytes  ${bar}`,
    `below 100 bytes          1    11 bytes  ${'█'.repeat(12)}`,
    'below 1 kB               0     0 bytes',
    `below 10 kB              1      2.5 kB  ${'█'.repeat(12)}`,
  ])
  t.same(rest.slice(5, 8), [
    '',
    'age                objects       bytes',
    `below a minute           6      2.5 kB  ${bar}`,
  ])
  t.same(rest.slice(9), [
    '    objects       bytes  directory',
    '          5      2.5 kB  photos/',
    '          3      2.5 kB  photos/2025/',
    '          1     0 bytes  photos/2024/',
    '',
  ])
  const ascii = await run(['du'], { env: { ...env, LC_ALL: 'C' } })
  t.match(ascii.stdout.toString(), `below 10 bytes           3    12 bytes  ${'#'.repeat(36)}\n`)
  t.notMatch(ascii.stdout.toString(), 'directory')
  const report = JSON.parse(
    (await run(['du', 'photos/', '--depth', '1', '--json'])).stdout.toString(),
  ) as {
    sizes: { belowBytes: number | null; objects: number }[]
  }
  t.match(report, {
    objects: 5,
    bytes: 2520,
    largestBytes: 2500,
    directories: [{ prefix: 'photos/', objects: 5, bytes: 2520 }],
  })
  t.equal(
    report.sizes.reduce((sum, { objects }) => sum + objects, 0),
    5,
  )
  t.equal(report.sizes.at(-1)?.belowBytes, null)
  openSync(`${dir}/empty`).close()
  const none = await run(['-d', 'empty', 'du'])
  t.equal(none.stdout.toString(), '0 objects, 0 bytes\n')
  t.match(JSON.parse((await run(['-d', 'empty', 'du', '--json'])).stdout.toString()), {
    objects: 0,
  })
})

await t.test('what cannot be combined is refused, and says why', async (t) => {
  const { store, run } = scratch(t)
  fill(store, { k: 'v' })
  await eachCase(
    [
      [['ls', '--json', '--tree'], /'--json' cannot be used with option '--tree'/],
      [['ls', '--json', '-l'], /'--json' cannot be used with option '-l, --long'/],
      [['ls', '--reverse'], /--reverse needs --sort; add it/],
      [['ls', '--separator', ':'], /--separator needs --tree; add it/],
      [['ls', '--sort', 'age'], /Allowed choices are key, size, time/],
      [['ls', '--glob', ''], /must not be empty/],
      [['ls', '--tree', '--separator', ''], /must not be empty/],
      [['du', '--separator', ':'], /--separator needs --depth; add it/],
      [['du', '--depth', 'x'], /whole number/],
    ] as const,
    async ([words, expected]) => {
      const { status, stdout, stderr } = await run(words)
      t.equal(status, 2, stderr)
      t.match(stderr, expected)
      t.ok(isOneLine(stderr), stderr)
      t.equal(stdout.length, 0)
    },
  )
  t.match(await run(['ls', '--tree', '--reverse']), { status: 0 }, 'a tree is sorted anyhow')
})

await t.test('a damaged object hides no other, and is told of at the end', async (t) => {
  const { store, run } = scratch(t)
  fill(store, { good: 'value', bad: 'value' })
  writeFileSync(placeOf(store, 'bad'), 'no object')
  await eachCase(['ls', 'ls --sort key', 'ls --tree', 'du'], async (words) => {
    const { status, stdout, stderr } = await run(words.split(' '))
    t.equal(status, 3, words)
    t.match(stdout.toString(), words === 'du' ? '1 object, 5 bytes' : 'good\n', words)
    t.match(stderr, /cut short; restore it or remove the file\n$/)
  })
})

await t.test('a clock that is ahead is shown as such', async (t) => {
  const usage = new Usage({ depth: 0, separator: '/', nowMs: 0 })
  const info = { key: 'k', sizeBytes: 1, metadata: {}, version: undefined, writtenBy: undefined }
  const rest = { expiresAtMs: undefined, contentType: undefined }
  for (const writtenAtMs of [61_000, 59_000, -59_000, -3_600_000, -400 * 86_400_000]) {
    usage.add({ ...info, ...rest, writtenAtMs })
  }
  t.same(
    usage.ages.map(({ objects }) => objects),
    [1, 2, 0, 1, 0, 0, 0, 1],
  )
})

await t.test('a reader that goes away ends a sorted listing quietly, too', async (t) => {
  const { dir, store } = scratch(t)
  fill(
    store,
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${'key '.repeat(500)}${i}`, ''])),
  )
  const env = { LINKSTORE_DIR: store }
  await eachCase(['ls --sort key', 'ls --tree'], async (words) => {
    const line = `linkstore ${words} | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = await shell(line, { cwd: dir, env })
    t.equal(stdout.toString(), '141\n', words)
    t.equal(stderr, '', words)
  })
  t.same(leftovers(store), [])
})

const skip = WITHOUT_TERMINAL

await t.test('Ctrl-C ends a long listing, bar and all, and leaves nothing', { skip }, async (t) => {
  const { store } = scratch(t)
  const objects = openSync(store, { durability: 'none' })
  for (let i = 0; i < 8000; i += 1) objects.set(`${i}`, '')
  objects.close()
  const env = { LINKSTORE_DIR: store }
  await eachCase(['du', 'ls'], async (words) => {
    const { child, ended } = startOnTerminal(`linkstore ${words}`, { env })
    let seen = ''
    const stdout = child.stdout!
    const isUnderWay = words === 'ls' ? /\d\r\n/ : /listing \[[#-]+\] +\d+ % [\d,]+ objects?/
    stdout.on('data', (piece: Buffer) => (seen += String(piece)))
    await until(() => isUnderWay.test(seen))
    child.stdin?.write('\u0003')
    const { status, stdout: all } = await ended
    child.stdin?.end()
    t.equal(status, 130, words)
    t.match(all.toString(), /linkstore: interrupted by SIGINT\r\n$/, words)
    if (words !== 'ls') t.match(all.toString(), '\r\u001b[Klinkstore: interrupted', words)
  })
  t.same(leftovers(store), [])
  rmSync(store, { recursive: true })
})
