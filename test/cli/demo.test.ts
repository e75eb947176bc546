import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pc from 'picocolors'
import t, { type Test } from 'tap'
import { open } from '../../index.js'
import { audit, type Findings } from '../../lib/cli/demo/audit.js'
import { frameOf } from '../../lib/cli/demo/frame.js'
import type { Entry } from '../../lib/cli/demo/journal.js'
import { HOT_KEYS } from '../../lib/cli/demo/keys.js'
import { ledgerOf } from '../../lib/cli/demo/ledger.js'
import { seal } from '../../lib/cli/demo/look.js'
import { emptyTally } from '../../lib/cli/demo/messages.js'
import { sha256Of } from '../../lib/cli/demo/samples.js'
import { Screen } from '../../lib/cli/demo/screen.js'
import { judge, type Evidence } from '../../lib/cli/demo/verdict.js'
import type { View } from '../../lib/cli/demo/view.js'
import { plain } from '../support/plain.js'

const MAIN = fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url))
const PATIENCE_MS = 60_000

/** A demo in a process group of its own, with its scratch directory below `directory`. */
function startDemo(
  directory: string,
  ...words: string[]
): { demo: ChildProcess; text: () => string } {
  const env = { ...process.env, TMPDIR: directory, NO_COLOR: '1' }
  const demo = spawn(...plain([process.execPath, MAIN, 'demo', ...words]), {
    env,
    detached: true,
    timeout: PATIENCE_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const pieces: string[] = []
  for (const stream of [demo.stdout, demo.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece))
  }
  return { demo, text: () => pieces.join('') }
}

function isGroupGone(leader: number): boolean {
  try {
    process.kill(-leader, 0)
    return false
  } catch {
    return true
  }
}

await t.test('the demo', async (t) => {
  await t.test('runs to a good verdict and leaves nothing behind', async (t) => {
    const directory = t.testdir()
    const { demo, text } = startDemo(directory, '--seconds', '2', '--processes', '3')
    const [status] = (await once(demo, 'close')) as [number]
    t.equal(status, 0, text())
    t.match(text(), /[\d,]+ operations per second: [\d,]+ in \d+\.\d s/)
    t.match(text(), /torn +0 +of [\d,]+ values read/)
    t.match(text(), /lost +0 +of [\d,]+ keys read again/)
    t.match(text(), /false misses +0 +of [\d,]+ looks/)
    t.match(text(), /doubled winners +0 +of [\d,]+ races to add or take/)
    t.match(text(), /private files left +0 +by the living; the one killed left \d+ file/)
    t.match(text(), 'Verdict: good. One process was killed half-way')
    t.match(text(), 'npx linkstore --help')
    t.match(text(), /[1-9]\.\d s {2}[\d,]+ operations, [\d,]+ per second/, 'a line per second')
    t.notMatch(text(), '\u001b', 'no control codes where there is no terminal')
    t.strictSame(readdirSync(directory), [])
    t.ok(isGroupGone(demo.pid!))
  })

  await t.test('leaves nothing behind when it is interrupted', async (t) => {
    const directory = t.testdir()
    const { demo, text } = startDemo(directory, '--seconds', '30', '--processes', '2')
    const closed = once(demo, 'close') as Promise<[number]>
    while (!text().includes(' per second') && demo.exitCode === null) {
      await once(demo.stderr!, 'data')
    }
    process.kill(-demo.pid!, 'SIGINT')
    const [status] = await closed
    t.equal(status, 130, text())
    t.match(text(), 'interrupted by SIGINT')
    t.notMatch(text(), 'Verdict')
    t.strictSame(readdirSync(directory), [])
    t.ok(isGroupGone(demo.pid!))
  })

  await t.test('refuses numbers that make no sense', async (t) => {
    const directory = t.testdir()
    for (const words of [
      ['--seconds', '0'],
      ['--processes', '2.5'],
      ['--processes', '1000'],
    ]) {
      const { demo, text } = startDemo(directory, ...words)
      const [status] = (await once(demo, 'close')) as [number]
      t.equal(status, 2, `${words.join(' ')}: ${text()}`)
    }
  })
})

/** A store with the values named, and what an audit of it against a journal finds. */
async function auditOf(
  t: Test,
  stored: Record<string, string>,
  ...journals: Entry[][]
): Promise<Findings> {
  const directory = `${t.testdir()}/store`
  await using store = await open(directory)
  for (const [key, text] of Object.entries({ ...hot(), ...stored })) {
    const bytes = Buffer.from(text)
    const sealed = Buffer.from(text.replace('torn', 'whole'))
    const metadata = seal(key, { name: 'file', bytes: sealed, sha256: sha256Of(sealed) })
    await store.set(key, bytes, { metadata })
  }
  return await audit(store, ledgerOf(journals), undefined)
}

const hot = (): Record<string, string> => Object.fromEntries(HOT_KEYS.map((key) => [key, key]))
const entry = (verb: Entry['verb'], key: string, state: Entry['state'], text = ''): Entry => ({
  verb,
  key,
  state,
  sha256: text === '' ? '' : sha256Of(Buffer.from(text)),
})
const put = (key: string, text: string): Entry[] => [
  entry('set', key, 'begun', text),
  entry('set', key, 'done', text),
]
const add = (key: string, state: 'done' | 'refused', text: string): Entry[] => [
  entry('add', key, 'begun', text),
  entry('add', key, state, text),
]
const take = (key: string, state: 'done' | 'refused', text = ''): Entry[] => [
  entry('take', key, 'begun'),
  entry('take', key, state, text),
]

await t.test('the audit of the demo', async (t) => {
  await t.test('finds nothing wrong with a store that holds what it must', async (t) => {
    const findings = await auditOf(
      t,
      { own: 'new', doubt: 'begun', race: 'a', 'killed race': 'b', 'left token': 'l' },
      [
        ...put('own', 'old'),
        ...put('own', 'new'),
        ...put('doubt', 'acknowledged'),
        ...add('race', 'done', 'a'),
        ...put('token', 't'),
        ...put('left token', 'l'),
        ...put('doubtful token', 'd'),
        ...take('token', 'refused'),
      ],
      [
        ...add('race', 'refused', 'b'),
        ...add('killed race', 'refused', 'c'),
        ...take('token', 'done', 't'),
        ...take('left token', 'refused'),
      ],
      // What a killed process had begun may have happened or not.
      [
        entry('add', 'killed race', 'begun', 'b'),
        entry('take', 'doubtful token', 'begun'),
        entry('set', 'never', 'begun', 'n'),
      ],
      [entry('set', 'doubt', 'begun', 'begun')],
    )
    t.strictSame(findings.problems, [])
    t.has(findings, { lost: 0, torn: 0, doubled: 0, falseMisses: 0 })
    t.equal(findings.checked, HOT_KEYS.length + 8)
  })

  await t.test('finds what was acknowledged and is lost', async (t) => {
    const journal = [
      ...put('gone', 'x'),
      ...put('old', 'before'),
      ...put('old', 'after'),
      ...add('race', 'done', 'mine'),
      ...add('nobody', 'refused', 'x'),
      ...put('token', 't'),
      ...take('token', 'refused'),
    ]
    const findings = await auditOf(t, { old: 'before', race: 'not mine' }, journal)
    t.has(findings, { lost: 5, torn: 0, doubled: 0, falseMisses: 0 })
    t.match(findings.problems.join('\n'), 'gone was stored and is not there')
  })

  await t.test('finds names and tokens with two winners', async (t) => {
    const findings = await auditOf(
      t,
      { race: 'a', 'still there': 's' },
      [...add('race', 'done', 'a'), ...put('token', 't'), ...take('token', 'done', 't')],
      [...add('race', 'done', 'a'), ...take('token', 'done', 't')],
      [...put('still there', 's'), ...take('still there', 'done', 's')],
    )
    t.has(findings, { lost: 0, torn: 0, doubled: 3, falseMisses: 0 })
  })
})

await t.test('the audit of the demo looks at values itself', async (t) => {
  await t.test('finds torn values without trusting the store', async (t) => {
    const findings = await auditOf(t, { own: 'torn' }, put('own', 'torn'))
    t.has(findings, { lost: 0, torn: 1, doubled: 0, falseMisses: 0 })
  })

  await t.test('finds keys missing that nobody deletes', async (t) => {
    await using store = await open(`${t.testdir()}/store`)
    const findings = await audit(store, ledgerOf([]), undefined)
    t.has(findings, { lost: 0, torn: 0, doubled: 0, falseMisses: HOT_KEYS.length })
  })
})

const colours = pc.createColors(false)

function evidence(changes: Partial<Evidence> = {}): Evidence {
  const many = 123_456_789
  return {
    elapsedMs: 60_000,
    tally: { ...emptyTally(), reads: many, writes: many, looks: many },
    ledger: ledgerOf([]),
    findings: { checked: many, lost: 0, torn: 0, doubled: 0, falseMisses: 0, problems: [] },
    privateNames: { directories: 1, files: 7 },
    killed: 1,
    problems: [],
    ...changes,
  }
}

await t.test('the verdict', async (t) => {
  await t.test('is good only if all counts are nought and nothing went wrong', async (t) => {
    const { findings, tally } = evidence()
    t.equal(judge(evidence(), colours).isGood, true)
    const faults: Partial<Evidence>[] = [
      ...(['lost', 'torn', 'falseMisses'] as const).flatMap((name) => [
        { tally: { ...tally, [name]: 1 } },
        { findings: { ...findings, [name]: 1 } },
      ]),
      { findings: { ...findings, doubled: 1 } },
      { findings: { ...findings, problems: ['a foreign file'] } },
      { privateNames: { directories: 3, files: 0 } },
      { problems: ['process 1 ended by itself'] },
    ]
    for (const fault of faults) {
      const { isGood, lines } = judge(evidence(fault), colours)
      t.equal(isGood, false, JSON.stringify(fault))
      t.match(lines.join('\n'), /Verdict: (not good|none)/)
    }
  })

  await t.test('fits into 80 columns', async (t) => {
    for (const line of judge(evidence(), colours).lines) t.ok(line.length <= 80, line)
  })
})

await t.test('the display', async (t) => {
  const member = {
    slot: 63,
    pid: 4_194_304,
    tally: { ...emptyTally(), reads: 99_999_999, writes: 9_999_999, adds: 99_999, takes: 99_999 },
    file: 'dist/lib/a-file-with-quite-a-long-name-indeed.d.ts',
    rate: 999_999,
  }
  const view: View = {
    phase: 'working',
    elapsedMs: 1234,
    totalMs: 8000,
    processes: 64,
    directory: `/${'long/'.repeat(30)}store`,
    sampleCount: 300,
    sampleBytes: 12_345_678,
    members: [
      { ...member, state: 'working' },
      { ...member, state: 'killed' },
    ],
  }

  await t.test('fits into 80 columns', async (t) => {
    for (const phase of ['working', 'checking', 'checked'] as const) {
      for (const line of frameOf({ ...view, phase }, colours)) t.ok(line.length <= 78, line)
    }
  })

  await t.test('is drawn in place on a terminal, which it gives back', async (t) => {
    let written = ''
    const write = (text: string): boolean => ((written += text), true)
    const terminal = { isTTY: true, columns: 80, rows: 24, write }
    const listeners = process.listenerCount('exit')
    const screen = new Screen(terminal)
    t.equal(written, '\u001b[?25l', 'the cursor is hidden')
    screen.show(view)
    const lines = written.split('\n').length - 1
    written = ''
    screen.show(view)
    t.ok(written.startsWith(`\u001b[${lines}A`), 'the second frame begins where the first did')
    written = ''
    screen.close()
    t.equal(written, '\u001b[?25h', 'the cursor is back')
    t.equal(process.listenerCount('exit'), listeners)
  })

  await t.test('never draws more than the terminal can hold', async (t) => {
    let written = ''
    const write = (text: string): boolean => ((written += text), true)
    const screen = new Screen({ isTTY: true, columns: 80, rows: 6, write })
    screen.show(view)
    t.equal(written.split('\n').length - 1, 5)
    screen.close()
  })
})
