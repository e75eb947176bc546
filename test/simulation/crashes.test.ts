/**
 * What goes wrong, at every moment at which it can: a process is killed, a caller aborts, a system
 * call fails, NFS loses a reply, a process is stopped until its private names are swept, the power
 * is cut.
 */
import t from 'tap'
import { KEY, scenario, type Scenario } from './scenario.js'
import { ABSENT, EXPIRED, IS_DEEP, pairs, PRESENT, survey, verbsOf } from './survey.js'
import { large, small, type Verb } from './verbs.js'

/** One operation beside a sweep. */
function* withSweep(changes: Parameters<typeof scenario>[1]): Generator<Scenario> {
  const sweep: Verb = { kind: 'sweep', graceMs: 5 }
  for (const initial of [PRESENT, ABSENT, EXPIRED]) {
    for (const verb of verbsOf('A')) yield scenario([[verb], [sweep]], { initial, ...changes })
  }
}

await t.test(
  'a process killed anywhere harms no other, and a sweep removes what it left',
  async (t) => {
    const kill = { faults: { kills: 1 }, endsWithSweep: true }
    survey(t, pairs(verbsOf, kill, [PRESENT, ABSENT, EXPIRED]), ['concealed'])
    const starts = IS_DEEP ? [PRESENT, ABSENT, EXPIRED] : [PRESENT]
    survey(t, pairs(verbsOf, { ...kill, place: 'nfs4' }, starts), ['concealed'])
  },
)

await t.test('nor do two that are killed', async (t) => {
  survey(t, pairs(verbsOf, { faults: { kills: 2 }, endsWithSweep: true }))
})

await t.test('an operation aborted anywhere leaves nothing behind', async (t) => {
  survey(t, pairs(verbsOf, { faults: { aborts: 1 } }, [PRESENT]), ['concealed'])
})

await t.test(
  'whatever system call fails, the outcome is the old, the new, or an error',
  async (t) => {
    const failing = { faults: { errors: 1 }, endsWithSweep: true }
    survey(t, pairs(verbsOf, failing, IS_DEEP ? [PRESENT, ABSENT] : [PRESENT]), ['concealed'])
  },
)

await t.test('any single reply that NFS loses is understood', async (t) => {
  const lossy = { place: 'nfs4', faults: { lostReplies: 1 } } as const
  const { exceptions } = survey(t, pairs(verbsOf, lossy), ['remove unsure', 'add unsure'])
  t.ok((exceptions.get('remove unsure') ?? 0) > 0, 'but for removals, as documented')
})

await t.test(
  'a process whose private names are swept begins again, or fails in words',
  async (t) => {
    survey(t, withSweep({ faults: { stops: 1 } }), ['concealed'])
    if (IS_DEEP) survey(t, withSweep({ place: 'nfs4', faults: { stops: 1 } }), ['concealed'])
  },
)

await t.test('a full disk refuses writes, and nothing else', async (t) => {
  const limits = { maxLinks: 65_000, isFull: true }
  survey(t, pairs(verbsOf, { limits, mayFail: true }, [PRESENT]))
  const removing = scenario([[{ kind: 'remove', key: KEY }], [{ kind: 'read', key: KEY }]], {
    limits,
  })
  survey(t, [removing])
})

await t.test('an object that can have no more links is read all the same', async (t) => {
  survey(t, pairs(verbsOf, { limits: { maxLinks: 1, isFull: false }, mayFail: true }, [PRESENT]))
})

for (const durability of ['full', 'file', 'none'] as const) {
  await t.test(`the power is cut anywhere, durability ${durability}`, async (t) => {
    const { powerCuts } = survey(t, pairs(verbsOf, { durability, powerCut: 'one' }))
    t.ok(powerCuts > 1000, 'it was cut often')
    // Of a shard directory that another process makes, the order of journals is relied on.
    const starts = durability === 'full' ? [PRESENT] : [PRESENT, ABSENT]
    survey(t, pairs(verbsOf, { durability, powerCut: 'per directory' }, starts))
    const alone = [PRESENT, ABSENT].flatMap((initial) => {
      const verbs: Verb[] = [...verbsOf('A'), { kind: 'write', key: KEY, value: large('L') }]
      const reading: Verb = { kind: 'read', key: KEY }
      return verbs.map((verb) => {
        return scenario([[verb, reading]], { initial, durability, powerCut: 'per directory' })
      })
    })
    survey(t, alone)
  })
}

await t.test('a write with a ttl is as durable', async (t) => {
  const value = { ...small('A'), ttlMs: 1000 }
  const programs: Verb[][] = [[{ kind: 'write', key: KEY, value }], [{ kind: 'read', key: KEY }]]
  survey(
    t,
    [ABSENT, PRESENT].map((initial) => scenario(programs, { initial, powerCut: 'one' })),
  )
})
