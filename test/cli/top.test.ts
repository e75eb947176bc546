import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { open, openSync, StoreError } from '../../index.js'
import { observeActivity, reportActivity, type ActivitySeen } from '../../lib/activity/index.js'
import { encodeReport, type ActivityReport } from '../../lib/activity/report.js'
import { frameOf } from '../../lib/cli/top/frame.js'
import { colorsFor } from '../../lib/cli/colors.js'
import { copyPackage, ONE, WITHOUT_USERS } from '../support/other-users.js'
import { scratchDirectory } from '../support/surroundings.js'
import { MAIN, start } from './command.js'
import { fill, HARMFUL, isOneLine, leftovers, scratch } from './scratch.js'
import { startOnTerminal, WITHOUT_TERMINAL } from './terminal.js'

const WORKER = join(import.meta.dirname, '../../dist/test/cli/top-worker.js')

interface Told extends ActivitySeen {
  readonly scan: { readonly objects: number; readonly bytes: number }
}

/** Looks until something is so, but not for ever. */
async function until<T>(look: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const value = await look()
    if (isSo(value)) return value
    await sleep(100)
  }
  throw new Error('it did not happen')
}

const REPORT: ActivityReport = {
  host: 'elsewhere',
  pid: 7,
  program: 'app',
  windowMs: 1000,
  validMs: 60_000,
  active: 1,
  totals: { operations: 9, failed: 1 },
  operations: [
    {
      name: 'read',
      count: 9,
      failed: 1,
      p50Ms: 0.5,
      p99Ms: 20,
      bytesRead: 9000,
      bytesWritten: 0,
      hops: 0,
      retries: { provedAbsent: 3, foundAfterAll: 1, stale: 1, outrun: 0 },
    },
  ],
}

/** Lays something where another host's report would lie. */
function layReport(store: string, id: string, content: string | Buffer): string {
  const directory = join(store, '.tmp', `elsewhere-${id.repeat(32)}`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'activity.json'), content)
  return join(directory, 'activity.json')
}

await t.test('processes that opted in are shown, while they live', async (t) => {
  const { store, run } = scratch(t)
  fill(store, { a: 'value of a', b: 'value of b' })
  const workers = [0, 1].map(() => start(process.execPath, [WORKER, store]))
  const look = async (): Promise<Told> => {
    const { status, stdout } = await run(['top', '--json'])
    t.equal(status, 0)
    return JSON.parse(stdout.toString()) as Told
  }
  const told = await until(look, ({ processes }) => {
    return processes.filter(({ operations }) => operations.length > 0).length === 2
  })
  t.equal(told.scan.objects, 3)
  const pids = workers.map(({ child }) => child.pid)
  t.same(new Set(told.processes.map(({ pid }) => pid)), new Set(pids))
  for (const { program, operations, totals } of told.processes) {
    t.equal(program, 'worker')
    const read = operations.find(({ name }) => name === 'read')!
    t.ok(read.count > 0 && read.bytesRead > 0 && read.p50Ms > 0 && read.p99Ms >= read.p50Ms)
    t.ok(read.retries.provedAbsent > 0)
    t.ok(totals.operations >= read.count)
  }
  // One dies, one ends in good order.
  workers[0]!.child.kill('SIGKILL')
  workers[1]!.child.stdin?.end()
  t.equal((await workers[1]!.ended).status, 0)
  await workers[0]!.ended
  t.same((await until(look, ({ processes }) => processes.length === 0)).processes, [])
  const plain = await run(['top', '--no-scan'])
  t.match(plain.stdout.toString(), 'no process reports what it does')
  t.notMatch(plain.stdout.toString(), HARMFUL.source)
})

await t.test('reports disturb nothing, and the sweep takes what is left of them', async (t) => {
  const { store, run } = scratch(t)
  fill(store, { a: 'v' })
  const path = layReport(store, '0', encodeReport(REPORT))
  const left = new Date(Date.now() - 2 * 3_600_000)
  t.equal((await run(['count'])).stdout.toString(), '1\n')
  t.equal((await run(['ls'])).stdout.toString(), 'a\n')
  t.match((await run(['verify', '--json'])).stdout.toString(), '"findings":[]')
  for (const each of [path, join(path, '..')]) utimesSync(each, left, left)
  t.equal((await run(['sweep'])).status, 0)
  t.same(leftovers(store), [])
})

await t.test('what is no report, or an old one, is ignored', async (t) => {
  const { store } = scratch(t)
  fill(store, { a: 'v' })
  const bad: Record<string, string | Buffer> = {
    a: '',
    b: '{"version":1}',
    c: JSON.stringify({ ...REPORT, version: 2 }),
    d: JSON.stringify({ version: 1, ...REPORT, operations: [{ name: 'read' }] }),
    e: Buffer.alloc(70_000, ' '),
    f: JSON.stringify({ version: 1, ...REPORT, pid: -1 }),
  }
  for (const [id, content] of Object.entries(bad)) layReport(store, id, content)
  mkdirSync(join(store, '.tmp', `elsewhere-${'9'.repeat(32)}`, 'activity.json'), {
    recursive: true,
  })
  layReport(store, '1', encodeReport(REPORT))
  const old = layReport(store, '2', encodeReport({ ...REPORT, pid: 8 }))
  const before = new Date(Date.now() - 600_000)
  utimesSync(old, before, before)
  await using observer = await observeActivity(store)
  const { processes, stores } = await observer.look()
  t.match(processes, [{ pid: 7 }])
  t.equal(processes.length, 1)
  t.equal(stores.length, 7, 'what reports nothing is seen as an open store')
})

await t.test('without reports, scans tell of objects, open stores and queues', async (t) => {
  for (const conditional of [false, true]) {
    const path = `${t.testdir()}/store`
    await using store = await open(path, { durability: 'none', conditional })
    await store.set('a', Buffer.alloc(10_000))
    await store.set('b', 'v')
    await store.queue('mails').push('one')
    await store.queue('mails').push('two', { delayMs: 60_000 })
    await using observer = await observeActivity(path)
    const fractions: number[] = []
    const onProgress = (fraction: number): void => void fractions.push(fraction)
    const { objects, bytes } = await observer.scan({ onProgress })
    t.equal(objects, 2)
    t.ok(bytes > 10_000 && bytes < 11_000, `${bytes} bytes`)
    t.equal(fractions.at(-1), 1)
    const { stores, queues, processes } = await observer.look()
    t.same(processes, [])
    t.equal(stores.length, 1)
    t.ok(stores[0]!.silentMs < 60_000)
    t.match(queues, [{ name: 'mails', ready: 1, delayed: 1, claimed: 0, dead: 0 }])
    await observer.close()
    t.equal(leftovers(path).length, 1, 'only the store itself has a private directory')
  }
})

await t.test('reporting ends without a trace, and says what it cannot do', async (t) => {
  const { store, dir } = scratch(t)
  fill(store, { a: 'v' })
  const reporting = await reportActivity(store, { intervalMs: 100 })
  using sync = openSync(store)
  await using observer = await observeActivity(store)
  const look = (): Promise<ActivitySeen> => observer.look()
  const isTold = ({ processes }: ActivitySeen): boolean =>
    processes.some(({ operations }) => operations.some(({ name }) => name === 'stat'))
  await until(async () => {
    sync.has('a')
    return await look()
  }, isTold)
  await reporting.stop()
  await reporting.stop()
  t.same((await look()).processes, [])
  await observer.close()
  t.same(leftovers(store), [], 'a look at a key needs no private name')
  await t.rejects(reportActivity(join(dir, 'none')), StoreError)
  await t.rejects(reportActivity(store, { intervalMs: 1 }), RangeError)
  await t.rejects(reportActivity(store, { every: 1 } as object), TypeError)
})

const skip = WITHOUT_TERMINAL

await t.test('on a terminal it draws until Ctrl-C, and gives it back', { skip }, async (t) => {
  const { store } = scratch(t)
  fill(store, { a: 'v' })
  const line = `linkstore -d "${store}" top --interval 200ms`
  const { child, ended } = startOnTerminal(line, { settings: 'cols 100 rows 20' })
  let text = ''
  child.stdout?.on('data', (piece: Buffer) => (text += piece.toString()))
  const isRedrawn = (): boolean => text.includes('1 object') && /\[\d+A/.test(text)
  await until(() => Promise.resolve(isRedrawn()), Boolean)
  child.stdin?.write('\u0003')
  t.equal((await ended).status, 0)
  t.match(text, '\u001b[?25l')
  t.match(text, 'no process reports what it does')
  t.ok(text.lastIndexOf('\u001b[?25h') > text.lastIndexOf('1 object'), 'the cursor is back')
  t.same(leftovers(store), [])
})

await t.test('the command reports itself where it is asked to', async (t) => {
  const { store, run, dir } = scratch(t)
  fill(store, { a: 'v' })
  const command = ['-d', store, 'queue', 'run', 'jobs', '--', 'true']
  const env = { LINKSTORE_REPORT: '1' }
  const { child, ended } = start(process.execPath, [MAIN, ...command], { cwd: dir, env })
  await using observer = await observeActivity(store)
  const look = (): Promise<ActivitySeen> => observer.look()
  const { processes } = await until(look, (seen) => seen.processes.length > 0)
  t.match(processes, [{ program: 'linkstore', pid: child.pid }])
  child.kill('SIGINT')
  await ended
  await observer.close()
  t.same(leftovers(store), [])
  const wrong = await run(['top', '--interval', '1ms'])
  t.equal(wrong.status, 2)
  t.ok(isOneLine(wrong.stderr), wrong.stderr)
  t.same(readdirSync(store).includes('activity.json'), false)
})

await t.test('what may only be read is read unreported', { skip: WITHOUT_USERS }, async (t) => {
  const dist = await copyPackage(t)
  const store = join(await scratchDirectory(t), 'store')
  fill(store, { a: 'value' })
  execFileSync('chmod', ['-R', 'a+rX,go-w', dirname(store)])
  const command = [join(dist, 'lib/cli/main.js'), '-d', store, 'get', 'a']
  // Without what tap would add to each process, and cannot write as another user.
  const { status, stdout, stderr } = spawnSync(
    'env',
    ['-i', 'LINKSTORE_REPORT=1', process.execPath, ...command],
    { ...ONE, encoding: 'utf8' },
  )
  t.equal(status, 0, stderr)
  t.equal(stdout, 'value')
  t.match(stderr, /^linkstore: what it does is not reported: .*\n$/)
})

await t.test('no line is wider than the terminal, and nothing harmful gets there', async (t) => {
  const view = {
    directory: '/mnt/\u001b[31mred',
    atMs: 0,
    seen: {
      processes: [{ ...REPORT, program: 'evil\u001b[2J\u202e' }],
      stores: [{ host: 'h', silentMs: 7_200_000, names: 3 }],
      queues: [{ name: 'q\n', hash: '', ready: 1, delayed: 0, claimed: 0, dead: 0 }],
    },
    scan: { objects: 5, bytes: 1e9, tookMs: 10, growth: { objects: -2, bytes: 3e6 } },
  }
  const lines = frameOf(view, 80, colorsFor(-1))
  for (const line of lines) {
    t.ok(line.length < 80, line)
    t.notOk(HARMFUL.test(line))
  }
  t.match(lines[1], '5 objects, 1.0 GB  -2.0/s  +3.0 MB/s')
  t.match(lines[2], '1 open store on h, 3 private names, last signs of life 2 h')
  t.match(lines.join('\n'), /elsewhere 7 evil.* 9\.0 +1\.0 +9\.0 kB/)
})
