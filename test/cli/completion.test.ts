import t, { type Test } from 'tap'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { answerTo } from '../../lib/cli/completion/answer.js'
import { lexed } from '../../lib/cli/completion/bash-line.js'
import { buildProgram } from '../../lib/cli/program.js'
import { Session } from '../../lib/cli/session.js'
import { linkstore, MAIN, start, type Outcome } from './command.js'
import { eachCase, fill, scratch, type Scratch } from './scratch.js'

const KEYS = {
  'user:1': '',
  'user:2': '',
  'photos/2025/cat.jpg': '',
  'photos/index': '',
  'my key': '',
  "it's $HOME": '',
  'new\nline': '',
}

/** Whether a program is there; says what is left out if not. */
function has(program: string, t: Test): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    t.comment(`left out, as there is no ${program}`)
    return false
  }
}

/** A scratch directory with a store, some files, and `linkstore` on the PATH. */
function prepare(t: Test): Scratch & { env: NodeJS.ProcessEnv } {
  const made = scratch(t, { tree: { 'local.txt': '' }, bin: {} })
  const command = join(made.dir, 'bin', 'linkstore')
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 })
  writeFileSync(join(made.dir, 'local.txt'), '')
  fill(made.store, KEYS)
  const env = {
    LINKSTORE_DIR: made.store,
    PATH: `${join(made.dir, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: made.dir,
    // Other work on the machine may make everything slow.
    LINKSTORE_COMPLETION_TIMEOUT: '50s',
    TERM: 'xterm',
    LC_ALL: 'C.UTF-8',
  }
  return { ...made, env }
}

await t.test('commands, options and their values are told to a shell', async (t) => {
  const session = new Session()
  const cases: readonly [words: string[], expected: string[]][] = [
    [['l'], ['lock', 'ls']],
    [['help', 'st'], ['stat']],
    [
      ['queue', 'p'],
      ['pop', 'push'],
    ],
    [['set', 'k', '--dur'], ['--durability']],
    [
      ['set', 'k', '--durability', ''],
      ['file', 'full', 'none'],
    ],
    [
      ['set', 'k', '--durability=f'],
      ['--durability=file', '--durability=full'],
    ],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['get', 'user:1', ''], []],
    [['set', 'k', ''], []],
    [['-d', ''], ['directories']],
    [['import', ''], ['directories']],
    [['set', 'k', '-f', ''], ['files']],
    [['set', 'k', '--file='], ['files']],
    [['lock', 'x', '--', ''], ['files']],
  ]
  for (const [words, expected] of cases) {
    const [kind = '', ...lines] = await answerTo('zsh', words, session)
    const told = lines.map((line) => line.split('\t')[0] ?? '').sort()
    t.same(kind === 'words' ? told : [kind], expected, words.join(' '))
  }
})

await t.test('keys are told to a shell, of the store that is named', async (t) => {
  const { dir, env } = prepare(t)
  fill(join(dir, 'other'), { '~': '' })
  const many = Array.from({ length: 300 }, (_, i) => [`k${i}`, ''] as const)
  fill(join(dir, 'large'), Object.fromEntries(many))
  const told = async (...words: string[]): Promise<string[]> => {
    const all = ['complete', 'zsh', '--', ...words]
    const { status, stdout, stderr } = await linkstore(all, { cwd: dir, env })
    t.equal(status, 0, stderr)
    const lines = stdout.toString().split('\n').slice(1, -1)
    return lines.map((line) => line.split('\t')[0] ?? '').sort()
  }
  t.same(await told('cp', 'a', 'photos/'), ['photos/2025/', 'photos/index'])
  t.same(await told('get', 'new'), [], 'what would be two lines cannot be typed')
  t.same(await told('export', 'out', '--prefix', 'u'), ['user:1', 'user:2'])
  t.same(await told('-d', 'other', 'get', ''), ['~'])
  const some = await told('get', '-d', 'large', 'k')
  t.equal(some.length, 201, 'no more than can be looked at')
  t.ok(some.includes('k…'), 'and one that says so, so that the shell goes no further')
})

await t.test('a store that hangs makes no shell hang', async (t) => {
  const { dir, run } = prepare(t)
  mkdirSync(join(dir, 'hanging'))
  // To open it takes for ever, as a call does on a mount whose server is gone.
  execFileSync('mkfifo', [join(dir, 'hanging', 'linkstore.json')])
  const { status, stdout } = await run(['complete', 'zsh', '--', '-d', 'hanging', 'get', 'k'])
  t.match({ status, stdout: stdout.toString() }, { status: 0, stdout: 'words\n' })
  const args = `${join(MAIN)} -d hanging ls`
  t.notMatch(execFileSync('ps', ['-eo', 'args']).toString(), args, 'and nothing is left running')
})

await t.test('a line of bash is read as bash reads it, and nothing in it is run', async (t) => {
  const read = (line: string): object => {
    const { words, last } = lexed(line, ':=')
    return [...words, last.text]
  }
  t.same(read('linkstore get us'), ['get', 'us'])
  t.same(read('linkstore get '), ['get', ''])
  t.same(read(`linkstore set 'a b' "c \\" d" e\\ f`), ['set', 'a b', 'c " d', 'e f'])
  t.same(read('A=b date | B=c linkstore get x'), ['get', 'x'])
  t.same(read('linkstore set "" x'), ['set', '', 'x'])
  const replies = (line: string, text: string): string[] => lexed(line, ':=').last.reply(text)
  t.same(replies('linkstore get us', 'user:1'), ['user:1'])
  t.same(replies('linkstore get user:', 'user:1'), ['1'])
  t.same(replies("linkstore get 'user:", 'user:1'), ['user:1'])
  t.same(replies('linkstore get m', "my $key's"), ["my\\ \\$key\\'s"])
  t.same(replies("linkstore get 'm", "my $key's"), [])
  t.same(replies('linkstore get ~', '~'), ['\\~'])
})

const EXPECTED: readonly [typed: string, becomes: string][] = [
  ['linkstore cou\t', 'linkstore count '],
  ['linkstore sweep --dr\t', 'linkstore sweep --dry-run '],
  ['linkstore get user\t2', 'linkstore get user:2'],
  ['linkstore get ph\t', 'linkstore get photos/'],
  ['linkstore get photos/i\t', 'linkstore get photos/index '],
  ['linkstore get my\t', 'linkstore get my\\ key '],
  ['linkstore get it\t', "linkstore get it\\'s\\ \\$HOME "],
  ['linkstore set k -f loc\t', 'linkstore set k -f local.txt '],
  ['linkstore import tr\t', 'linkstore import tree/'],
]

/** Types into an interactive shell, and tells what its line is then. */
async function typed(
  program: readonly string[],
  setup: string,
  keys: string,
  { dir, env }: { dir: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  const name = `${program[0] ?? ''}-${keys.replace(/\W/g, '_')}`
  const [rc, ready, line] = ['rc', 'ready', 'line'].map((kind) => join(dir, `${name}.${kind}`))
  writeFileSync(rc ?? '', setup)
  const running = start('script', ['-qec', program.join(' '), '/dev/null'], {
    cwd: dir,
    env: { ...env, READY: ready, LINE: line },
  })
  running.child.stdin?.write(` . ${rc ?? ''}\r`)
  await exists(ready ?? '')
  running.child.stdin?.write(`${keys}\u0018`)
  await exists(line ?? '')
  running.child.kill('SIGKILL')
  const outcome: Outcome = await running.ended
  return existsSync(line ?? '') ? readFileSync(line ?? '', 'utf8') : outcome.stdout.toString()
}

async function exists(path: string): Promise<void> {
  for (let i = 0; i < 600 && !existsSync(path); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const BASH = `
source <(linkstore completion bash)
report() { printf %s "$READLINE_LINE" > "$LINE.new"; mv "$LINE.new" "$LINE"; }
bind -x '"\\C-x": report'
touch "$READY"
`

const ZSH = `
autoload -Uz compinit; compinit -u -D
source <(linkstore completion zsh)
report() { print -rn -- "$BUFFER" > "$LINE.new"; mv "$LINE.new" "$LINE"; }
zle -N report; bindkey '^X' report; bindkey '^I' complete-word
zle-line-init() { touch "$READY"; }; zle -N zle-line-init
`

for (const [shell, program, setup] of [
  ['bash', ['bash', '--norc', '-i'], BASH],
  ['zsh', ['zsh', '-f', '-i'], ZSH],
] as const) {
  await t.test(`${shell} completes what is typed`, async (t) => {
    if (!has(shell, t)) return
    const place = prepare(t)
    await eachCase(EXPECTED, async ([keys, expected]) => {
      t.equal(await typed(program, setup, keys, place), expected, keys)
    })
  })
}

await t.test('fish completes what is typed', async (t) => {
  if (!has('fish', t)) return
  const { dir, env } = prepare(t)
  const cases: readonly [line: string, expected: RegExp][] = [
    ['linkstore l', /^lock\trun a command under a lease\nls\tlist keys\n$/],
    ['linkstore get user', /^user:1\nuser:2\n$/],
    ['linkstore get "my', /^my key\n$/],
    ['linkstore get ph', /^photos\/\n$/],
    ['linkstore set k --durability=fu', /^--durability=full\n$/],
    ['linkstore set k -f loc', /^local\.txt\b/],
    ['linkstore set k --file=loc', /^--file=local\.txt\n$/],
    ['linkstore import tr', /^tree\/(\t|\n)/],
  ]
  const script = [
    'linkstore completion fish | source',
    ...cases.map(([line]) => `complete -C '${line}'; echo ==`),
  ].join('\n')
  const { stdout, stderr } = await start('fish', ['-c', script], { cwd: dir, env, input: '' }).ended
  t.equal(stderr, '')
  for (const [index, text] of stdout.toString().split('==\n').slice(0, -1).entries()) {
    t.match(text, cases[index]?.[1] ?? '', cases[index]?.[0] ?? '')
  }
})

await t.test('the scripts are free of errors, and other shells are refused', async (t) => {
  const { dir, run } = scratch(t)
  for (const shell of ['bash', 'zsh', 'fish']) {
    if (!has(shell, t)) continue
    const { status, stdout } = await run(['completion', shell])
    t.equal(status, 0)
    writeFileSync(join(dir, shell), stdout)
    execFileSync(shell, ['-n', join(dir, shell)])
  }
  t.match(await run(['completion', 'tcsh']), { status: 2, stderr: /choices are bash, zsh, fish/ })
})

await t.test('the manual has every command and option, and no tool finds fault', async (t) => {
  const page = join(import.meta.dirname, '../../dist/linkstore.1')
  if (has('mandoc', t)) {
    const checked = await start('mandoc', ['-Tlint', '-Wwarning', page], { input: '' }).ended
    t.same([checked.status, checked.stdout.toString()], [0, ''], 'of mandoc')
  }
  if (!has('groff', t)) return
  const how = ['-mdoc', '-Tutf8', '-P-bcou', '-rLL=200n', '-ww', page]
  const { stdout, stderr } = await start('groff', how, { input: '' }).ended
  t.equal(stderr, '', 'of groff')
  const plain = stdout.toString()
  const session = new Session()
  const names = (await buildProgram(session, [])).commands.map((command) => command.name())
  const check = (command: Command, words: readonly string[]): void => {
    const help = command.createHelp()
    if (words.length > 0) t.match(plain, new RegExp(`^ {3}${words.join(' ')}$`, 'm'))
    for (const { flags } of help.visibleOptions(command)) {
      t.ok(plain.includes(flags.replace(/[<>]/g, '')), `${words.join(' ')} ${flags}`)
    }
    for (const below of help.visibleCommands(command)) {
      if (below.name() !== 'help') check(below, [...words, below.name()])
    }
  }
  check(await buildProgram(session, names), [])
  t.ok(names.length > 20)
  for (const part of ['ENVIRONMENT', 'FILES', 'EXIT STATUS', 'EXAMPLES']) {
    t.match(plain, new RegExp(`^${part}$`, 'm'))
  }
  t.match(plain, 'LINKSTORE_DIR')
  t.match(plain, /^ +linkstore ls --glob 'photos\/\*\*\/\*\.jpg'$/m, 'can be copied into a shell')
})
