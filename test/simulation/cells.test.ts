/**
 * Cells, in every order of the steps of two and three processes: each update is made on what was
 * there, and none is lost. So, too, where processes are held up, killed or swept, where replies are
 * lost, calls fail, and the power is cut.
 */
import t from 'tap'
import { isLinking } from './cell-mutants.js'
import { where } from './mutants.js'
import { scenario, type Scenario } from './scenario.js'
import { IS_DEEP, survey } from './survey.js'
import type { Verb } from './verbs.js'

type Changes = Parameters<typeof scenario>[1]
type Programs = readonly (readonly Verb[])[]

const READ: Verb = { kind: 'read cell', cell: 'c' }
const SWEEP: Verb = { kind: 'sweep', graceMs: 5 }
const REMOVE: Verb = { kind: 'update cell', cell: 'c', value: undefined }
const update = (value: string, kept?: number): Verb => {
  return { kind: 'update cell', cell: 'c', value, ...(kept !== undefined && { kept }) }
}

const WRITTEN = { initial: new Map(), cells: new Map([['c', ['I']]]) }
const NEW = { initial: new Map(), cells: new Map() }

const LOCAL = { place: 'local' } as const
const NFS_4 = { place: 'nfs4' } as const
const NFS_3 = { place: 'nfs3' } as const
/** Of all changes within its only tick, hosts learn of the first alone. */
const STILL = { place: 'nfs3', ticksByItself: false } as const
const PLACES = [
  ['local', LOCAL],
  ['NFS 4', NFS_4],
  ['NFS 3', NFS_3],
  ['NFS 3, its clock standing still', STILL],
] as const

/** Two contenders. */
const PAIRS: readonly Programs[] = [
  [[update('A')], [update('B')]],
  [[update('A')], [READ, READ]],
  [[update('A')], [REMOVE]],
  [[READ], [READ]],
]
/** The same, of those that differ in how they can fail. */
const FEW: readonly Programs[] = [
  [[update('A')], [update('B')]],
  [[update('A')], [READ]],
]
const WRITER_AND_READERS: Programs = [[update('A')], [READ], [READ]]
const WRITERS_AND_READER: Programs = [[update('A')], [update('B')], [READ]]
const WRITERS: Programs = [[update('A')], [update('B')], [update('C')]]

/** One that updates beside another that does so several times. */
function overtaking(times: number, kept?: number): Programs {
  const others = ['B', 'C', 'D'].slice(0, times)
  return [[update('A', kept)], others.map((value) => update(value, kept))]
}

function* each(programs: readonly Programs[], ...changes: readonly Changes[]): Generator<Scenario> {
  for (const one of changes) for (const program of programs) yield scenario(program, one)
}

for (const [name, place] of PLACES) {
  await t.test(`two contenders for a cell: ${name}`, async (t) => {
    survey(t, each(PAIRS, { ...WRITTEN, ...place }))
  })

  await t.test(`two contenders for a cell that was never written: ${name}`, async (t) => {
    // What the directory adds to what is explored above does not depend on the verb.
    const isLarge = place !== LOCAL && !IS_DEEP
    const few: Programs[] = [[[update('A')], [READ]], PAIRS[3] as Programs]
    const fewer = place === NFS_3 ? few.slice(1) : few
    survey(t, each(isLarge ? fewer : PAIRS, { ...NEW, ...place }))
  })
}

await t.test('three contenders for a cell', async (t) => {
  survey(t, each([WRITERS, WRITERS_AND_READER, WRITER_AND_READERS], { ...WRITTEN, ...LOCAL }))
  survey(t, each([WRITER_AND_READERS], { ...WRITTEN, ...NFS_4 }))
  if (!IS_DEEP) return
  survey(t, each([WRITERS_AND_READER, WRITERS], { ...WRITTEN, ...NFS_4 }))
  survey(t, each([WRITER_AND_READERS], { ...WRITTEN, ...STILL }))
})

await t.test('who is held up while another goes on is refused, or in time', async (t) => {
  survey(t, each([overtaking(2)], { ...WRITTEN, ...LOCAL }, { ...WRITTEN, ...NFS_4 }))
  if (!IS_DEEP) return
  survey(t, each([overtaking(3)], { ...WRITTEN, ...LOCAL }, { ...WRITTEN, ...NFS_4 }))
  survey(t, each([overtaking(2)], { ...WRITTEN, ...NFS_3 }, { ...WRITTEN, ...STILL }))
})

await t.test(
  'who is held up until the number is free again may not know, and is never wrong',
  async (t) => {
    const allowed = ['overtaken'] as const
    const { exceptions } = survey(t, each([overtaking(2, 1)], { ...WRITTEN, ...LOCAL }), allowed)
    t.ok((exceptions.get('overtaken') ?? 0) > 0, 'this happens')
    survey(t, each([overtaking(2, 2)], { ...WRITTEN, ...LOCAL }, { ...WRITTEN, ...NFS_4 }))
    const reading = [[READ], [update('A', 1), update('B', 1)]]
    survey(t, each([reading], { ...WRITTEN, ...LOCAL }, { ...WRITTEN, ...NFS_4 }))
    survey(t, each([overtaking(1, 1)], { ...WRITTEN, ...NFS_4 }, { ...WRITTEN, ...STILL }))
    if (!IS_DEEP) return
    survey(t, each([overtaking(2, 1)], { ...WRITTEN, ...NFS_4 }), allowed)
    survey(t, each([reading], { ...WRITTEN, ...STILL }))
    survey(t, each([overtaking(3, 1), overtaking(3, 2)], { ...WRITTEN, ...LOCAL }), allowed)
    survey(t, each([overtaking(2, 1)], { ...WRITTEN, ...STILL }), allowed)
  },
)

await t.test('who is killed anywhere holds nobody up', async (t) => {
  const kill = { faults: { kills: 1 }, endsWithSweep: true }
  const killBoth = { faults: { kills: 2 }, endsWithSweep: true }
  survey(t, each(FEW, { ...WRITTEN, ...LOCAL, ...kill }, { ...NEW, ...LOCAL, ...kill }))
  survey(t, each(FEW, { ...WRITTEN, ...LOCAL, ...killBoth }, { ...WRITTEN, ...NFS_4, ...kill }))
  if (!IS_DEEP) return
  survey(t, each(FEW, { ...NEW, ...LOCAL, ...killBoth }, { ...WRITTEN, ...NFS_3, ...kill }))
  const pruning = { ...WRITTEN, ...LOCAL, ...kill }
  survey(t, each([overtaking(2, 1)], pruning), ['overtaken'])
})

await t.test('any single reply that NFS loses is understood', async (t) => {
  const lossy = { faults: { lostReplies: 1 } }
  const alone: Programs = [[update('A')]]
  survey(t, each(FEW, { ...WRITTEN, ...NFS_4, ...lossy }, { ...WRITTEN, ...STILL, ...lossy }))
  survey(t, each([alone], { ...NEW, ...NFS_4, ...lossy }, { ...NEW, ...NFS_3, ...lossy }))
  if (!IS_DEEP) return
  survey(t, each(FEW, { ...WRITTEN, ...NFS_3, ...lossy }))
  survey(t, each([overtaking(2, 1)], { ...WRITTEN, ...NFS_4, ...lossy }), ['overtaken'])
})

/** NFS repeats a link of a generation whose reply was lost; others may go on before it does. */
const REPEATING = where(isLinking, function* (effect) {
  yield effect
  return yield effect
})

await t.test('a link that NFS repeats when its number is free again is no refusal', async (t) => {
  const repeating = { ...WRITTEN, ...NFS_4, ...REPEATING }
  const { exceptions } = survey(t, each([overtaking(2, 1)], repeating), ['overtaken'])
  t.ok((exceptions.get('overtaken') ?? 0) > 0, 'this happens')
})

await t.test('whatever call fails, a cell holds the old or the new', async (t) => {
  const failing = { faults: { errors: 1 }, endsWithSweep: true }
  survey(t, each(FEW, { ...WRITTEN, ...LOCAL, ...failing }))
  survey(t, each([[[update('A')]]], { ...NEW, ...LOCAL, ...failing }))
  survey(t, each([[[update('A')], [READ]]], { ...WRITTEN, ...NFS_4, ...failing }))
  if (IS_DEEP) survey(t, each(FEW, { ...WRITTEN, ...NFS_4, ...failing }))
})

await t.test('an update aborted anywhere leaves nothing behind', async (t) => {
  const aborting = { faults: { aborts: 1 } }
  survey(t, each(FEW, { ...WRITTEN, ...LOCAL, ...aborting }, { ...WRITTEN, ...NFS_4, ...aborting }))
})

await t.test('who is swept while it is held up succeeds, or fails in words', async (t) => {
  const stopping = { ...WRITTEN, faults: { stops: 1 } }
  const beside: Programs[] = [
    [[update('A')], [SWEEP]],
    [[READ], [SWEEP]],
  ]
  survey(t, each(beside, { ...stopping, ...LOCAL }, { ...stopping, ...NFS_4 }))
  // With no name believed, a host learns that its private file is gone.
  const unsure = { ...WRITTEN, lookupCache: 'none', faults: { stops: 1, lostReplies: 1 } } as const
  survey(t, each(beside, { ...unsure, ...NFS_4 }))
  if (IS_DEEP) survey(t, each(beside, { ...unsure, ...NFS_3 }, { ...stopping, ...NFS_3 }))
})

await t.test('the power is cut anywhere, and what was acknowledged is there', async (t) => {
  for (const powerCut of ['one', 'per directory'] as const) {
    const cutting = { ...WRITTEN, ...LOCAL, powerCut }
    const { powerCuts } = survey(t, each([...FEW, [[update('A'), READ]]], cutting))
    t.ok(powerCuts > 500, 'it was cut often')
    survey(t, each([[[update('A'), READ]]], { ...NEW, ...LOCAL, powerCut }))
  }
  survey(t, each(FEW, { ...NEW, ...LOCAL, powerCut: 'one' }))
})
