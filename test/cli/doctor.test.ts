import t from 'tap'
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import pc from 'picocolors'
import { openSync } from '../../index.js'
import { linesOf } from '../../lib/cli/doctor/view.js'
import { judge } from '../../lib/doctor/judgement.js'
import { valueOf } from '../../lib/doctor/outcome.js'
import type { Check, Report } from '../../lib/doctor/report.js'
import { factsOf } from '../doctor/sample-facts.js'
import { SAMPLES } from '../doctor/sample-mounts.js'
import { copyPackage, ONE, WITHOUT_USERS } from '../support/other-users.js'
import { plain } from '../support/plain.js'
import {
  FILE_SYSTEMS,
  scratchDirectory,
  WITHOUT_MOUNTS,
  WITHOUT_STRACE,
} from '../support/surroundings.js'
import { linkstore, MAIN, start, type How, type Outcome } from './command.js'
import { HARMFUL, isOneLine, until } from './scratch.js'

const STATUS = { fit: 0, limited: 1, unfit: 3 }
const COLORS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')

/** Runs doctor behind another command. */
function behind(wrapper: readonly string[], words: readonly string[], how: How = {}) {
  const [file = '', ...rest] = wrapper
  const all = [...rest, process.execPath, MAIN, 'doctor', ...words]
  return start(file, all, { input: '', ...how }).ended
}

function reportIn({ stdout }: Outcome): Report {
  return JSON.parse(stdout.toString()) as Report
}

function checkOf(report: Report, id: Check['id']): Check {
  return report.checks.find((check) => check.id === id)!
}

/** All that is below a directory, with all that a change would alter; not the root itself. */
function snapshot(root: string): Record<string, string> {
  const names = (fs.readdirSync(root, { recursive: true }) as string[]).sort()
  const entries = names.map((name) => {
    const { ino, mode, nlink, size, mtimeMs, ctimeMs } = fs.lstatSync(join(root, name))
    return [name, [ino, mode, nlink, size, mtimeMs, ctimeMs].join(' ')] as const
  })
  return Object.fromEntries(entries)
}

function fill(root: string): void {
  using store = openSync(root, { durability: 'none' })
  for (let i = 0; i < 20; i += 1) store.set(`key ${i}`, 'value')
}

for (const { name, parent, skip } of FILE_SYSTEMS) {
  await t.test(`doctor examines a directory and a store on ${name}`, { skip }, async (t) => {
    const root = await scratchDirectory(t, parent)
    const isMemory = name === 'tmpfs'
    const text = await linkstore(['doctor', root])
    t.equal(text.status, isMemory ? 1 : 0, text.stdout.toString())
    t.equal(text.stderr, '', 'it is quiet where nobody watches')
    t.match(text.stdout.toString(), /^ {2}ok {5}store {9}empty; the first write/m)
    t.match(text.stdout.toString(), /^ {2}(yes {2}|no {3}) {2}Acknowledged full writes survive/m)
    t.match(text.stdout.toString(), /^ {2}write \d+\.\d\d {3}flush \d+\.\d\d {3}rename \d/m)
    t.match(text.stdout.toString(), /^Verdict: (fit|limited)\b/m)
    t.notMatch(text.stdout.toString().replaceAll('\n', ''), HARMFUL, 'no colours in a pipe')
    t.same(fs.readdirSync(root), [], 'it has left nothing, and made no store')

    fill(root)
    const before = snapshot(root)
    const json = await linkstore(['doctor', '--json', '-d', root])
    const report = reportIn(json)
    t.equal(json.status, STATUS[report.verdict])
    t.same(snapshot(root), before, 'nothing of the store was touched')
    t.match(report, {
      version: 1,
      directory: root,
      verdict: isMemory ? 'limited' : 'fit',
      fileSystem: { family: isMemory ? 'memory' : 'local' },
      facts: {
        contents: { kind: 'found', value: { kind: 'store', format: 'envelope', marked: true } },
        exclusion: { kind: 'found', value: 'EEXIST' },
        linkCount: { kind: 'found', value: { names: 1000, isLimit: false } },
        apart: { kind: 'found', value: [] },
        cleanUp: { kind: 'found', value: true },
      },
    })
    for (const { id, grade } of report.checks) {
      t.ok(['good', 'note'].includes(grade), `${id} is ${grade}`)
    }
  })
}

await t.test('without a directory doctor says so in one line', async (t) => {
  const dir = t.testdir({ file: '' })
  const cases = [
    [['doctor', join(dir, 'nowhere')], 3, /does not exist; name the directory to examine$/m],
    [['doctor', join(dir, 'file')], 3, /file is not a directory$/m],
    [['doctor'], 2, /no store was named/],
    [['doctor', dir, '--timeout', '1ms'], 2, /--timeout must be between 10ms and 1h/],
    [['doctor', dir, '--timeout', 'soon'], 2, /A duration is a number and a unit/],
  ] as const
  for (const [words, status, says] of cases) {
    const outcome = await linkstore([...words])
    t.equal(outcome.status, status, words.join(' '))
    t.equal(outcome.stdout.toString(), '')
    t.match(outcome.stderr, says)
    t.ok(isOneLine(outcome.stderr), outcome.stderr)
  }
  t.same(fs.readdirSync(dir), ['file'])
})

await t.test('doctor tells what kind of directory it is', async (t) => {
  const cases: [name: string, says: RegExp, status: number][] = [
    ['notes', /it is no store, and has other files in it, such as notes\.txt/, 1],
    ['broken', /linkstore\.json cannot be read: it is not JSON/, 3],
    ['newer', /it has format version 99/, 3],
    ['sos', /it is a store, format raw, as SOS makes them/, 0],
    ['volume', /empty; the first write makes a store of it/, 0],
    ['odd \u001b[31m\u202e', /empty/, 0],
  ]
  const newer = JSON.stringify({ store: 'linkstore', format: 'envelope', version: 99 })
  const dir = t.testdir({
    notes: { 'notes.txt': '' },
    broken: { 'linkstore.json': '{' },
    newer: { 'linkstore.json': newer },
    sos: { ab: { cd: { ['0'.repeat(60)]: 'v' } } },
    volume: { 'lost+found': {}, '.snapshot': {} },
    'odd \u001b[31m\u202e': {},
  })
  for (const [name, says, status] of cases) {
    const { stdout, ...outcome } = await linkstore(['doctor', join(dir, name)])
    t.match(stdout.toString(), says)
    t.equal(outcome.status, status, stdout.toString())
    t.notMatch(stdout.toString().replaceAll('\n', ''), HARMFUL)
  }
})

await t.test('doctor counts what crashes have left', async (t) => {
  const root = t.testdir()
  fill(root)
  const old = new Date(Date.now() - 26 * 3_600_000)
  for (const [directory, file, date] of [
    [`.tmp/host-${'0'.repeat(32)}`, '1', old],
    [`.tmp/host-${'1'.repeat(32)}`, '2', new Date()],
    [`.tmp-${'2'.repeat(32)}`, '3', old],
  ] as const) {
    fs.mkdirSync(join(root, directory), { recursive: true })
    fs.writeFileSync(join(root, directory, file), 'x'.repeat(1000))
    fs.utimesSync(join(root, directory, file), date, date)
    fs.utimesSync(join(root, directory), date, date)
  }
  const before = snapshot(root)
  const report = reportIn(await linkstore(['doctor', root, '--json']))
  t.match(checkOf(report, 'leftovers'), {
    grade: 'note',
    summary: '3 private names, 3.0 kB, the oldest 26 hours old; 2 (2.0 kB) by whoever has died',
    advice: /linkstore sweep removes/,
  })
  t.equal(report.verdict, 'fit')
  t.same(snapshot(root), before)
})

await t.test('an interrupted doctor leaves nothing', async (t) => {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    // Nothing can listen to this one: the process that probes notices that it is alone.
    ['SIGKILL', 'SIGKILL'],
  ] as const) {
    const root = t.testdir()
    const { child, ended } = start(process.execPath, [MAIN, 'doctor', root])
    await until(() => fs.readdirSync(root).length > 0)
    child.kill(signal)
    const outcome = await ended
    t.equal(outcome.status, status)
    t.equal(outcome.stdout.toString(), '')
    if (signal !== 'SIGKILL') t.equal(outcome.stderr, `linkstore: interrupted by ${signal}\n`)
    await until(() => fs.readdirSync(root).length === 0)
    t.same(fs.readdirSync(root), [])
  }
  const root = t.testdir()
  // A terminal tells all processes of the command.
  const { child, ended } = start('setsid', [process.execPath, MAIN, 'doctor', root])
  await until(() => fs.readdirSync(root).length > 0)
  process.kill(-child.pid!, 'SIGINT')
  t.equal((await ended).status, 130)
  t.same(fs.readdirSync(root), [])
})

/** Runs doctor with faults in its system calls. */
async function withFaults(fault: string, words: readonly string[]): Promise<Outcome> {
  const [call = ''] = fault.split(':')
  const strace = ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', `trace=${call}`]
  return await behind([...strace, '-e', `inject=${fault}`], words)
}

await t.test('a probe that fails stops no other', { skip: WITHOUT_STRACE }, async (t) => {
  const cases = [
    ['link:error=EPERM', 'hardLinks', 'bad', /there are none: link says EPERM/, 3],
    ['link:error=EMLINK:when=60+', 'hardLinks', 'note', /at most \d+ names a file/, 0],
    ['fsync:error=EIO', 'flush', 'bad', /of a file: fsync says EIO/, 3],
    ['rename:error=EXDEV', 'oneVolume', 'bad', /\(EXDEV\)/, 3],
    ['mkdir:error=EDQUOT', 'access', 'bad', /nothing can be made there: mkdir says EDQUOT/, 3],
    ['statfs:error=ESTALE', 'response', 'bad', /statfs says ESTALE/, 3],
  ] as const
  for (const [fault, id, grade, says, status] of cases) {
    const root = t.testdir()
    const outcome = await withFaults(fault, [root, '--json'])
    t.equal(outcome.status, status, fault)
    const report = reportIn(outcome)
    t.match(checkOf(report, id), { grade, summary: says })
    t.ok(report.checks.filter((check) => check.grade === 'good').length >= 4, 'others went on')
    t.same(fs.readdirSync(root), [])
  }
})

await t.test('calls that hang hold nobody up', { skip: WITHOUT_STRACE }, async (t) => {
  const root = t.testdir()
  const outcome = await withFaults('fsync:delay_enter=3s', [root, '--json', '--timeout', '500ms'])
  const report = reportIn(outcome)
  t.match(checkOf(report, 'response'), {
    grade: 'bad',
    summary: 'no answer within 0.5 s (fileFlush, directoryFlush)',
  })
  t.match(report.facts.latency, { kind: 'skipped', reason: /still without an answer/ })
  t.equal(outcome.status, 3)
  t.same(fs.readdirSync(root), [])
})

/** Runs a command first, in a mount namespace of its own; `$0` is the directory. */
const inMounts = (directory: string, command: string): string[] => [
  ...['unshare', '-m', 'sh', '-c', `${command} && exec "$@"`, directory],
]

await t.test(
  'doctor on mounts that are not as they should be',
  { skip: WITHOUT_MOUNTS },
  async (t) => {
    const root = t.testdir()
    const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
    const empty = await behind(inMounts(root, readOnly), [root, '--json'])
    t.equal(empty.status, 3)
    t.match(checkOf(reportIn(empty), 'access'), { grade: 'bad', summary: /no store can be made/ })

    fill(root)
    const store = await behind(inMounts(root, readOnly), [root, '--json'])
    t.equal(store.status, 1)
    const report = reportIn(store)
    t.match(checkOf(report, 'access'), { grade: 'weak', summary: /the store can be read/ })
    t.match(report.facts.mount, { mountPoint: root, type: report.fileSystem.name })
    t.not(report.facts.mount?.root, '/', 'a bind mount shows which directory it is of')

    const [shard = ''] = fs.readdirSync(root).filter((name) => /^[0-9a-f]{2}$/.test(name))
    const bound = `mount --bind "$0/${shard}" "$0/${shard}"`
    const before = snapshot(root)
    const split = await behind(inMounts(root, bound), [root, '--json'])
    t.equal(split.status, 3)
    const { facts, ...rest } = reportIn(split)
    t.same(facts.mountsBelow, [join(root, shard)])
    t.same(facts.apart, { kind: 'found', value: [join(root, shard)] }, 'rename says so too')
    t.match(rest.checks.find(({ id }) => id === 'oneVolume')?.summary, /is a mount of its own/)
    t.same(snapshot(root), before)

    const space = 'mount -t tmpfs -o size=64k,nr_inodes=20 none "$0"'
    const small = await behind(inMounts(root, space), [root, '--json'])
    t.match(reportIn(small).fileSystem, { family: 'memory', name: 'tmpfs' })
    t.equal(checkOf(reportIn(small), 'hardLinks').grade, 'good')
  },
)

await t.test('doctor as a user who may not do everything', { skip: WITHOUT_USERS }, async (t) => {
  const main = `${await copyPackage(t)}/lib/cli/main.js`
  const examine = (root: string): { status: number | null; report: Report } => {
    const { PATH } = process.env
    const how = { ...ONE, encoding: 'utf8', env: { PATH }, timeout: 60_000, cwd: '/' } as const
    const command = plain([process.execPath, main, 'doctor', root, '--json'])
    const { status, stdout } = spawnSync(...command, how)
    return { status, report: JSON.parse(stdout) as Report }
  }
  const root = `${await scratchDirectory(t)}/shared`
  fs.mkdirSync(root, { mode: 0o755 })
  const foreign = examine(root)
  t.equal(foreign.status, 3)
  t.match(checkOf(foreign.report, 'access'), {
    grade: 'bad',
    summary: 'this user may not write; it is uid 12345, gid 23456, the directory 0:0 mode 0755',
    advice: /runAsUser: 0, or with supplementalGroups: \[0\]/,
  })
  fill(root)
  const readable = examine(root)
  t.equal(readable.status, 1)
  t.match(checkOf(readable.report, 'access'), { grade: 'weak', summary: /can only be read/ })
  const own = `${root}/own`
  fs.mkdirSync(own)
  fs.chownSync(own, ONE.uid, ONE.gid)
  fs.chmodSync(own, 0o770)
  const mine = examine(own)
  t.equal(mine.status, 0)
  t.match(checkOf(mine.report, 'access'), { grade: 'note', advice: /chmod g\+s/ })
  t.match(mine.report.facts.otherUser, { kind: 'found', value: { isProtected: /true|false/ } })
  t.same(fs.readdirSync(own), [])
})

await t.test('root finds out whether users may link each other’s files', async (t) => {
  const root = t.testdir()
  const { facts } = reportIn(await linkstore(['doctor', root, '--json']))
  const { isProtected, attempt } = valueOf(facts.otherUser)!
  if (facts.user?.uid !== 0) t.equal(attempt, undefined)
  else t.equal(attempt, isProtected === true ? 'EPERM' : 'linked')
})

await t.test('the report keeps within a terminal, with colours or without', async (t) => {
  for (const { line } of SAMPLES) {
    const report = judge(factsOf(line))
    const plain = linesOf(report, pc.createColors(false), 80)
    t.ok(
      plain.every((text) => text.length <= 80),
      plain.join('\n'),
    )
    const colored = linesOf(report, pc.createColors(true), 80)
    const bare = colored.map((text) => text.replace(COLORS, '').trimEnd())
    t.same(
      bare,
      plain.map((text) => text.trimEnd()),
    )
    t.ok(colored.some((text) => text.includes('\u001b[')))
    const piped = linesOf(report, pc.createColors(false), undefined)
    const words = (lines: readonly string[]): string[] => lines.join(' ').split(/\s+/)
    t.same(words(piped), words(plain), 'a pipe gets the same words, each finding on one line')
    t.ok(piped.length <= plain.length)
  }
})

await t.test('the library does not load doctor', async (t) => {
  const sources = fs.readdirSync('lib', { recursive: true, encoding: 'utf8' })
  const users = sources.filter(
    (path) =>
      path.endsWith('.ts') &&
      !/^(doctor|cli\/doctor)/.test(path) &&
      /from '.*doctor/.test(fs.readFileSync(join('lib', path), 'utf8')),
  )
  t.same(users, [])
})
