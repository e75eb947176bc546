import t from 'tap'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { MAIN, shell, start, type Running } from './command.js'
import { FIVE_MEGABYTES, isOneLine, leftovers, scratch, until, type Scratch } from './scratch.js'

/** Starts the command without waiting for it. */
function begin(store: string, words: readonly string[]): Running {
  const env = { LINKSTORE_DIR: store }
  return start(process.execPath, [MAIN, ...words], { env, input: '' })
}

/** Lines of a file that may not be there yet. */
function linesOf(path: string): string[] {
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}

function isAlive(pid: string | undefined): boolean {
  const path = `/proc/${pid ?? ''}/stat`
  return fs.existsSync(path) && !/\) Z /.test(fs.readFileSync(path, 'utf8'))
}

async function countsOf({ run }: Scratch): Promise<unknown> {
  return JSON.parse((await run(['queue', 'size', 'q', '--json'])).stdout.toString())
}

const EMPTY = { ready: 0, delayed: 0, claimed: 0, dead: 0 }

await t.test('jobs are pushed and popped byte for byte, in order', async (t) => {
  const place = scratch(t)
  const { run } = place
  const pushed = await run(['queue', 'push', 'q', 'first'])
  t.match(pushed, { status: 0, stderr: '' })
  t.match(pushed.stdout.toString(), /^[0-9a-f]{32}\n$/)
  t.match(await run(['queue', 'push', 'q'], { input: FIVE_MEGABYTES }), { status: 0 })
  t.match(await run(['queue', 'push', 'q', 'later', '--delay', '1h']), { status: 0 })
  t.same(await countsOf(place), { ...EMPTY, ready: 2, delayed: 1 })
  t.equal((await run(['queue', 'size', 'q'])).stdout.toString(), '3\n')
  t.match(await run(['queue', 'pop', 'q']), { status: 0, stdout: Buffer.from('first') })
  t.ok((await run(['queue', 'pop', 'q'])).stdout.equals(FIVE_MEGABYTES))
  const none = await run(['queue', 'pop', 'q'])
  t.equal(none.status, 1)
  t.equal(none.stdout.length, 0)
  t.equal(none.stderr, 'linkstore: the queue "q" has no job that is due; --wait waits for one\n')
  t.same(await countsOf(place), { ...EMPTY, delayed: 1 })
  t.match(await run(['get', 'q']), { status: 1 }, 'it is no object')

  t.match(await run(['queue', 'push', 'keyed', 'a', '--key', 'k']), { status: 0 })
  const twice = await run(['queue', 'push', 'keyed', 'b', '--key', 'k'])
  t.equal(twice.status, 1)
  t.equal(twice.stdout.length, 0)
  t.match(twice.stderr, /has a job with the key "k" already; none was added\n$/)
  t.match(await run(['queue', 'pop', 'keyed']), { stdout: Buffer.from('a') })
  t.match(await run(['queue', 'push', 'keyed', 'b', '--key', 'k']), { status: 0 }, 'it is free')
  t.same(leftovers(place.store), [])
})

await t.test('a job that pop cannot write out stays', async (t) => {
  const place = scratch(t)
  const { dir, store, run } = place
  await run(['queue', 'push', 'q'], { input: FIVE_MEGABYTES })
  const env = { LINKSTORE_DIR: store }
  const full = await shell('linkstore queue pop q >/dev/full', { cwd: dir, env })
  t.match(full, { status: 3, stderr: /no space left on device/ })
  t.same(await countsOf(place), { ...EMPTY, ready: 1 })
  const gone = 'linkstore queue pop q | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"'
  t.match(await shell(gone, { cwd: dir, env }), { stdout: Buffer.from('141\n'), stderr: '' })
  t.same(await countsOf(place), { ...EMPTY, ready: 1 })
  t.ok((await run(['queue', 'pop', 'q'])).stdout.equals(FIVE_MEGABYTES))
})

await t.test('pop --wait gets a job that is pushed meanwhile', async (t) => {
  const { store, run } = scratch(t)
  await run(['queue', 'push', 'other', 'v'])
  const { ended } = begin(store, ['queue', 'pop', 'q', '--wait', '30s'])
  await new Promise((resolve) => setTimeout(resolve, 500))
  await run(['queue', 'push', 'q', 'late'])
  t.match(await ended, { status: 0, stdout: Buffer.from('late'), stderr: '' })
})

await t.test('run --drain does each job once, with its body as input', async (t) => {
  const place = scratch(t)
  const { dir, store, run } = place
  const env = { LINKSTORE_DIR: store }
  await shell('for i in 1 2 3 4 5 6; do linkstore queue push q "body $i"; done', { cwd: dir, env })
  await run(['queue', 'push', 'q', '-f', MAIN])
  const script = 'echo "$LINKSTORE_JOB_ID $LINKSTORE_JOB_ATTEMPT $* $(head -n 1)" >> log'
  const words = ['queue', 'run', 'q', '--drain', '--concurrency', '2', '--']
  const command = ['sh', '-c', script, '--', '--', '--once']
  const outcomes = await Promise.all([run([...words, ...command]), run([...words, ...command])])
  for (const { status, stderr } of outcomes) t.match({ status, stderr }, { status: 0, stderr: '' })
  const lines = linesOf(join(dir, 'log'))
  t.equal(new Set(lines.map((line) => line.slice(0, 32))).size, 7, 'each has its id')
  const expected = [1, 2, 3, 4, 5, 6].map((i) => `1 -- --once body ${i}`)
  t.same(lines.map((line) => line.slice(33)).sort(), [
    '1 -- --once #!/usr/bin/env node',
    ...expected,
  ])
  t.same(await countsOf(place), EMPTY)
  t.match(await run([...words, 'true']), { status: 0 }, 'an empty queue is drained')
  await run(['queue', 'push', 'q'], { input: FIVE_MEGABYTES })
  t.match(await run(['queue', 'run', 'q', '--once', '--', 'true']), { status: 0, stderr: '' })
  t.same(await countsOf(place), EMPTY, 'a command need not read its input')
  t.match(await run(['queue', 'run', 'q', '--once', '--', 'touch', 'ran']), { status: 1 })
  t.notOk(fs.existsSync(join(dir, 'ran')))
  t.same(leftovers(store), [])
})

await t.test('a job whose command fails is tried again, and dead in the end', async (t) => {
  const place = scratch(t)
  const { dir, run } = place
  await run(['queue', 'push', 'q', 'bad'])
  const words = ['queue', 'run', 'q', '--max-attempts', '3']
  const script = 'echo $LINKSTORE_JOB_ATTEMPT >> log; exit 4'
  const once = await run([...words, '--once', '--', 'sh', '-c', script])
  t.equal(once.status, 3)
  t.ok(isOneLine(once.stderr), once.stderr)
  t.match(once.stderr, /the job [0-9a-f]{32} failed: the command ended with 4 \(attempt 1 of 3\)/)
  t.same(await countsOf(place), { ...EMPTY, ready: 1 })
  const drained = await run([...words, '--drain', '--', 'sh', '-c', script])
  t.equal(drained.status, 3)
  t.same(linesOf(join(dir, 'log')), ['1', '2', '3'])
  t.same(await countsOf(place), { ...EMPTY, dead: 1 })
  const reason = 'the command ended with 4 (attempt 3 of 3)'
  const json = await run(['queue', 'dead', 'q', '--json'])
  t.match(JSON.parse(json.stdout.toString()), { attempts: 3, reason })
  t.match((await run(['queue', 'dead', 'q'])).stdout.toString(), reason)

  await run(['queue', 'push', 'q', 'good in the end'])
  const better = '[ $LINKSTORE_JOB_ATTEMPT = 2 ]'
  t.match(await run([...words, '--drain', '--', 'sh', '-c', better]), { status: 0 })
  t.same(await countsOf(place), { ...EMPTY, dead: 1 })
  await run(['queue', 'push', 'q', 'later'])
  const delayed = [...words, '--once', '--retry-delay', '1h', '--', 'false']
  t.match(await run(delayed), { status: 3 })
  t.same(await countsOf(place), { ...EMPTY, delayed: 1, dead: 1 })
})

await t.test('a command that does not exist costs no job an attempt', async (t) => {
  const place = scratch(t)
  const { run } = place
  for (const body of ['a', 'b']) await run(['queue', 'push', 'q', body])
  const words = ['queue', 'run', 'q', '--concurrency', '2', '--max-attempts', '1', '--']
  const missing = await run([...words, 'no-such-command'])
  t.match(missing, { status: 127, stderr: /cannot run no-such-command: no such file/ })
  t.ok(isOneLine(missing.stderr), missing.stderr)
  t.match(await run([...words, '/dev/null']), { status: 126 })
  t.same(await countsOf(place), { ...EMPTY, ready: 2 })
})

await t.test('a job whose body is damaged is not done, whatever its command says', async (t) => {
  const place = scratch(t)
  const { store, run } = place
  await run(['queue', 'push', 'q'], { input: FIVE_MEGABYTES })
  const names = fs.readdirSync(store, { recursive: true, encoding: 'utf8' })
  const path = join(store, names.find((name) => /\/ready\/./.test(name)) ?? '')
  const bytes = fs.readFileSync(path)
  bytes[4_000_000] = (bytes[4_000_000] ?? 0) ^ 1
  fs.writeFileSync(path, bytes)
  const words = ['queue', 'run', 'q', '--max-attempts', '1', '--drain', '--']
  const { status, stderr } = await run([...words, 'sh', '-c', 'cat >/dev/null; exit 0'])
  t.equal(status, 3)
  t.match(stderr, /its body cannot be read: .*crc32/)
  t.same(await countsOf(place), { ...EMPTY, dead: 1 })
})

await t.test('a lease is extended while the command runs', async (t) => {
  const { dir, run } = scratch(t)
  await run(['queue', 'push', 'q', 'v'])
  const words = ['queue', 'run', 'q', '--lease', '1s', '--drain', '--']
  const script = 'echo ran >> log; sleep 4'
  const outcomes = await Promise.all([1, 2].map(() => run([...words, 'sh', '-c', script])))
  for (const { status, stderr } of outcomes) t.match({ status, stderr }, { status: 0, stderr: '' })
  t.same(linesOf(join(dir, 'log')), ['ran'])
})

await t.test('a command whose job was given to others is ended', async (t) => {
  const place = scratch(t)
  const { dir, store, run } = place
  await run(['queue', 'push', 'q', 'v'])
  const log = join(dir, 'log')
  const script = `sleep 300 & echo $! >> ${log}; wait`
  const words = ['queue', 'run', 'q', '--lease', '1s']
  const { child, ended } = begin(store, [...words, '--once', '--', 'sh', '-c', script])
  await until(() => linesOf(log).length > 0)
  child.kill('SIGSTOP')
  const attempt = `echo attempt $LINKSTORE_JOB_ATTEMPT >> ${log}`
  t.match(await run([...words, '--drain', '--', 'sh', '-c', attempt]), { status: 0 })
  const [pid, other] = linesOf(log)
  t.equal(other, 'attempt 2')
  t.ok(isAlive(pid))
  child.kill('SIGCONT')
  const { stderr } = await ended
  t.match(stderr, /the lease of the job [0-9a-f]{32} is lost; its command is ended/)
  t.notOk(isAlive(pid))
  t.same(await countsOf(place), EMPTY)
})

await t.test('an interrupted run ends its commands and gives their jobs back', async (t) => {
  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const place = scratch(t)
    const { dir, store, run } = place
    for (const body of ['a', 'b', 'c']) await run(['queue', 'push', 'q', body])
    const log = join(dir, signal)
    const script = `trap 'exit 0' TERM; sleep 300 & echo $! >> ${log}; wait`
    const words = ['queue', 'run', 'q', '--concurrency', '2', '--', 'sh', '-c', script]
    const { child, ended } = begin(store, words)
    await until(() => linesOf(log).length === 2)
    child.kill(signal)
    const outcome = await ended
    t.match(outcome, { status: expected, stderr: `linkstore: interrupted by ${signal}\n` })
    const pids = linesOf(log)
    t.equal(pids.length, 2, 'it began no other job')
    for (const pid of pids) t.notOk(isAlive(pid))
    t.same(await countsOf(place), { ...EMPTY, ready: 3 })
    const attempt = await run([
      'queue',
      'run',
      'q',
      '--once',
      '--',
      'printenv',
      'LINKSTORE_JOB_ATTEMPT',
    ])
    t.match(attempt, { status: 0, stdout: Buffer.from('1\n') }, 'and that was no attempt')
    t.same(leftovers(store), [])
    fs.rmSync(store, { recursive: true })
  }
})
