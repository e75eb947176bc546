import t, { type Test } from 'tap'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { MAIN, start, type Running } from './command.js'
import { eachCase, isOneLine, leftovers, scratch, until } from './scratch.js'
import { startOnTerminal, WITHOUT_TERMINAL } from './terminal.js'

const NO_TEXT = Buffer.from([0xff, 0, 0x0a])

/** Starts the command without waiting for it. */
function begin(store: string, words: readonly string[]): Running {
  return start(process.execPath, [MAIN, ...words], { env: { LINKSTORE_DIR: store } })
}

/** Lines of a file that may not be there yet. */
function linesOf(path: string): string[] {
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}

function isAlive(pid: string | undefined): boolean {
  const path = `/proc/${pid ?? ''}/stat`
  return fs.existsSync(path) && !/\) Z /.test(fs.readFileSync(path, 'utf8'))
}

await t.test('a cell is set and got byte for byte, and its generation rises', async (t) => {
  const { dir, store, run } = scratch(t)
  t.match(await run(['cell', 'set', 'a', 'Grüße ']), { status: 0, stdout: { length: 0 } })
  const got = await run(['cell', 'get', 'a'])
  t.equal(got.status, 0)
  t.equal(got.stdout.toString(), 'Grüße ')
  fs.writeFileSync(join(dir, 'file'), NO_TEXT)
  const set = await run(['cell', 'set', 'a', '-f', 'file', '--json'])
  t.same(JSON.parse(set.stdout.toString()), { generation: 2 })
  t.ok((await run(['cell', 'get', 'a'])).stdout.equals(NO_TEXT))
  const json = async (): Promise<unknown> =>
    JSON.parse((await run(['cell', 'get', 'a', '--json'])).stdout.toString())
  t.same(await json(), { generation: 2, value: NO_TEXT.toString('base64'), encoding: 'base64' })
  const largest = Buffer.alloc(64 * 1024, 'x')
  t.match(await run(['cell', 'set', 'a'], { input: largest }), { status: 0, stderr: '' })
  t.same(await json(), { generation: 3, value: largest.toString(), encoding: 'utf8' })

  t.match(await run(['cell', 'rm', 'a']), { status: 0, stderr: '' })
  t.same(await json(), { generation: 4 }, 'there is a generation without a value')
  await eachCase(['get', 'rm'], async (verb) => {
    const { status, stdout, stderr } = await run(['cell', verb, 'a'])
    t.equal(status, 1, verb)
    t.equal(stdout.length, 0)
    t.equal(stderr, 'linkstore: the cell "a" has no value\n')
  })
  t.match(await run(['cell', 'cas', 'a', '4', 'again']), { status: 0, stdout: Buffer.from('5\n') })
  t.match(await run(['count']), { stdout: Buffer.from('0\n') }, 'it is no object')
  t.same(leftovers(store), [])
})

await t.test('of several that compare and set one wins', async (t) => {
  const { run } = scratch(t)
  const words = ['0', '0', '0', '0']
  const outcomes = await Promise.all(
    words.map((generation, i) => run(['cell', 'cas', 'leader', generation, `host ${i}`])),
  )
  t.same(outcomes.map(({ status }) => status).sort(), [0, 1, 1, 1])
  const winner = outcomes.findIndex(({ status }) => status === 0)
  t.equal(outcomes[winner]?.stdout.toString(), '1\n')
  t.equal((await run(['cell', 'get', 'leader'])).stdout.toString(), `host ${winner}`)
  for (const { status, stdout, stderr } of outcomes.filter((_, i) => i !== winner)) {
    t.match(
      { status, stderr },
      {
        stderr: 'linkstore: the cell "leader" is not at generation 0; read it again, then decide\n',
      },
    )
    t.equal(stdout.length, 0)
  }
})

await t.test('wrong use of cells, locks and queues ends with 2 and says why', async (t) => {
  const { store, run } = scratch(t)
  await run(['set', 'k', 'v'])
  const cases: [string[], RegExp][] = [
    [['cell', 'gett', 'a'], /Did you mean get\?\); see linkstore cell --help/],
    [['cell', 'get', 'a', 'b'], /too many arguments.*see linkstore cell get --help/],
    [['cell', 'cas', 'a'], /missing required argument 'generation'/],
    [['cell', 'cas', 'a', 'one', 'v'], /whole number/],
    [['cell', 'cas', 'a', '-1', 'v'], /whole number/],
    [['cell', 'set', 'a', 'v', '-f', 'file'], /not both/],
    [['cell', 'set', 'k'.repeat(70_000), 'v'], /65536 bytes/],
    [['lock', 'a'], /missing required argument 'command'/],
    [['lock', 'a', 'true'], /must stand behind --/],
    [['lock', 'a', 'grep', '--', 'file'], /must stand behind --/],
    [['lock', 'a', '--ttl', '10ms', '--', 'true'], /ttlMs must be at least 100/],
    [['lock', 'a', '--wait', 'long', '--', 'true'], /number and a unit/],
    [['queue', 'run', 'a', 'true'], /must stand behind --/],
    [['queue', 'run', 'a', '--once', '--drain', '--', 'true'], /not both/],
    [['queue', 'run', 'a', '--concurrency', '0', '--', 'true'], /concurrency must be/],
    [['queue', 'run', 'a', '--max-attempts', '0', '--', 'true'], /maxAttempts must be/],
    [['queue', 'run', 'a', '--lease', '1ms', '--', 'true'], /leaseMs must be at least 100/],
    [['queue', 'push', 'a', 'b', '--delay', '5'], /number and a unit/],
  ]
  await eachCase(cases, async ([words, expected]) => {
    const { status, stdout, stderr } = await run(words)
    t.equal(status, 2, `${words.join(' ').slice(0, 50)}: ${stderr}`)
    t.ok(isOneLine(stderr), stderr)
    t.match(stderr, expected)
    t.equal(stdout.length, 0)
  })
  const large = await run(['cell', 'set', 'a'], { input: Buffer.alloc(64 * 1024 + 1) })
  t.match(large, { status: 2, stderr: /at most 65536 bytes; put the value into an object/ })
  t.match(await run(['cell', 'get', 'a']), { status: 1 }, 'and nothing was set')
  t.same(leftovers(store), [])
})

await t.test('of cells, locks and queues only what writes values makes a store', async (t) => {
  const { store, run } = scratch(t)
  await eachCase(
    [
      ['cell', 'get', 'a'],
      ['cell', 'rm', 'a'],
      ['lock', 'a', '--', 'true'],
      ['queue', 'pop', 'a'],
      ['queue', 'size', 'a'],
      ['queue', 'dead', 'a'],
      ['queue', 'run', 'a', '--drain', '--', 'true'],
    ],
    async (words) => {
      const { status, stderr } = await run(words)
      t.equal(status, 3, words.join(' '))
      t.match(stderr, /does not exist/)
    },
  )
  t.notOk(fs.existsSync(store))
  for (const words of [
    ['cell', 'set', 'a', 'v'],
    ['cell', 'cas', 'a', '0', 'v'],
    ['queue', 'push', 'a', 'v'],
  ]) {
    t.match(await run(words), { status: 0 }, words.join(' '))
    fs.rmSync(store, { recursive: true })
  }
  t.match(await run(['cell', '-d', 'near', 'set', 'a', 'v']), { status: 0 }, '-d in the middle')
  t.match(await run(['-d', 'near', 'cell', 'get', 'a']), { status: 0, stdout: Buffer.from('v') })
})

await t.test('a value that is still awaited is no cell', async (t) => {
  const { store, run } = scratch(t)
  const { child, ended } = begin(store, ['cell', 'set', 'a'])
  child.stdin?.write('half')
  await until(() => fs.existsSync(join(store, 'linkstore.json')))
  await new Promise((resolve) => setTimeout(resolve, 100))
  child.kill('SIGINT')
  t.match(await ended, { status: 130, stderr: 'linkstore: interrupted by SIGINT\n' })
  t.match(await run(['cell', 'get', 'a']), { status: 1 })
})

await t.test('lock runs a command with a token, and ends as it does', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'k', 'v'])
  const script = 'cat; echo "$LINKSTORE_LEASE_NAME $LINKSTORE_LEASE_TOKEN $*"; exit 7'
  const words = ['lock', 'a b', '--ttl', '5s', '--', 'sh', '-c', script, '--', '-d', 'x', '--wait']
  const first = await run([...words, '--', '--help'], { input: 'input ' })
  t.equal(first.status, 7)
  t.equal(first.stderr, '')
  const [, token = ''] =
    /^input a b (\d+) -d x --wait -- --help\n$/.exec(first.stdout.toString()) ?? []
  t.ok(Number(token) > 0, first.stdout.toString())
  const second = await run(['lock', 'a b', '--', 'sh', '-c', 'echo $LINKSTORE_LEASE_TOKEN'])
  t.ok(Number(second.stdout.toString()) > Number(token), 'the next one has a larger token')

  fs.writeFileSync(join(dir, 'file'), '')
  const cases: [string[], number, RegExp][] = [
    [['true'], 0, /^$/],
    [['sh', '-c', 'kill -KILL $$'], 137, /^$/],
    [['no-such-command'], 127, /^linkstore: cannot run no-such-command: no such file/],
    [['./file'], 126, /^linkstore: cannot run \.\/file: permission denied\n$/],
  ]
  for (const [command, status, stderr] of cases) {
    t.match(await run(['lock', 'a', '--wait', '0s', '--', ...command]), { status, stderr })
  }
  t.match(await run(['lock', 'a', '--wait', '0s', '--', 'true']), { status: 0 }, 'it is free again')
  t.same(leftovers(store), [])
})

await t.test('while one holds a lease others wait, or give up in time', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'k', 'v'])
  const log = join(dir, 'log')
  const script = `mkdir ${dir}/inside || exit 9
    echo $LINKSTORE_LEASE_TOKEN >> ${log}; sleep 0.1; rmdir ${dir}/inside`
  const all = [1, 2, 3, 4].map(() => run(['lock', 'a', '--', 'sh', '-c', script]))
  for (const { status, stderr } of await Promise.all(all))
    t.match({ status, stderr }, { status: 0 })
  const tokens = linesOf(log).map(Number)
  t.equal(tokens.length, 4)
  t.same(
    tokens,
    [...tokens].sort((a, b) => a - b),
  )

  const holder = begin(store, ['lock', 'a', '--', 'sh', '-c', `echo in >> ${log}; cat`])
  await until(() => linesOf(log).includes('in'))
  for (const wait of ['0s', '600ms']) {
    const late = await run(['lock', 'a', '--wait', wait, '--', 'touch', 'ran'])
    t.equal(late.status, 1)
    t.equal(
      late.stderr,
      'linkstore: the lease "a" is held by another; try again, or give a longer --wait\n',
    )
  }
  const patient = run(['lock', 'a', '--wait', '20s', '--', 'true'])
  holder.child.stdin?.end()
  t.match(await holder.ended, { status: 0 })
  t.match(await patient, { status: 0 })
  t.notOk(fs.existsSync(join(dir, 'ran')), 'who got no lease ran nothing')
})

/** Whether somebody is known to wait for the only lease of a store. */
function isWanted(store: string): boolean {
  const names = fs.readdirSync(join(store, '.leases'), { recursive: true, encoding: 'utf8' })
  const paths = names.map((name) => join(store, '.leases', name))
  return paths.some(
    (path) => fs.statSync(path).isFile() && fs.readFileSync(path).includes('"isWanted":true'),
  )
}

await t.test('who is interrupted while waiting for a lease runs nothing', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'k', 'v'])
  const log = join(dir, 'log')
  const holder = begin(store, [
    'lock',
    'a',
    '--ttl',
    '1h',
    '--',
    'sh',
    '-c',
    `echo in >> ${log}; cat`,
  ])
  await until(() => linesOf(log).includes('in'))
  const waiting = begin(store, ['lock', 'a', '--', 'touch', join(dir, 'ran')])
  await until(() => isWanted(store))
  waiting.child.kill('SIGTERM')
  t.match(await waiting.ended, { status: 143, stderr: 'linkstore: interrupted by SIGTERM\n' })
  holder.child.stdin?.end()
  t.match(await holder.ended, { status: 0 })
  t.notOk(fs.existsSync(join(dir, 'ran')))
})

/** Holds the lease `a` with a script, which begins by writing a pid to its log. */
async function hold(t: Test, store: string, log: string, script: string): Promise<Running> {
  const running = begin(store, ['lock', 'a', '--ttl', '1s', '--', 'sh', '-c', script])
  t.teardown(() => running.child.kill('SIGKILL'))
  await until(() => linesOf(log).length > 0)
  return running
}

await t.test('signals to lock are passed on, and the lease is given back', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'k', 'v'])
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const log = join(dir, signal)
    const trap = `trap 'echo heard >> ${log}; exit 9' ${signal.slice(3)}`
    const script = `${trap}; sleep 300 & echo $! >> ${log}; wait`
    const { child, ended } = await hold(t, store, log, script)
    child.kill(signal)
    t.match(await ended, { status: 9, stderr: '' }, signal)
    const [pid, heard] = linesOf(log)
    t.equal(heard, 'heard')
    t.notOk(isAlive(pid), 'what the command has started is gone too')
    t.match(await run(['lock', 'a', '--wait', '0s', '--', 'true']), { status: 0 })
  }
  const log = join(dir, 'plain')
  const { child, ended } = await hold(t, store, log, `echo $$ >> ${log}; exec sleep 300`)
  child.kill('SIGTERM')
  t.match(await ended, { status: 143 }, 'and the status is that of the command')
  t.same(leftovers(store), [])
})

await t.test('a command whose lease is lost is ended, if need be by force', async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'k', 'v'])
  const scripts = {
    plain: (log: string) => `sleep 300 & echo $! >> ${log}; wait`,
    deaf: (log: string) => `trap '' TERM; echo $$ >> ${log}; while :; do sleep 0.1; done`,
  }
  for (const [name, script] of Object.entries(scripts)) {
    const log = join(dir, name)
    const { child, ended } = await hold(t, store, log, script(log))
    child.kill('SIGSTOP')
    t.match(await run(['lock', 'a', '--wait', '20s', '--', 'true']), { status: 0 }, 'others get it')
    const [pid] = linesOf(log)
    t.ok(isAlive(pid))
    child.kill('SIGCONT')
    const { status, stderr } = await ended
    t.equal(status, 3)
    t.ok(isOneLine(stderr), stderr)
    t.match(stderr, /the lease is lost.*\(key "a"\); the command is ended/)
    t.notOk(isAlive(pid), name)
  }
})

const skip = WITHOUT_TERMINAL

await t.test('lock leaves a command on a terminal in front of it', { skip }, async (t) => {
  const { dir, store, run } = scratch(t)
  await run(['set', 'k', 'v'])
  const command = 'sh -c "read line </dev/tty; echo got \\$line"'
  const line = `linkstore -d ${store} lock a -- ${command}`
  const { child, ended } = startOnTerminal(line, { cwd: dir })
  child.stdin?.write('typed\n')
  const { status, stdout } = await ended
  child.stdin?.end()
  t.equal(status, 0, stdout.toString())
  t.match(stdout.toString(), 'got typed')
})
