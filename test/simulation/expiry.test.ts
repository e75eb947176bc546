/**
 * Objects that expire, and sweeps that remove them while others write. What the protocol cannot
 * hold here is measured: how many ends need the window that docs/guarantees.md describes.
 */
import t from 'tap'
import { KEY, scenario, START_MS, type Scenario } from './scenario.js'
import { ABSENT, EXPIRED, IS_DEEP, pairs, PRESENT, survey, verbsOf } from './survey.js'
import { small, type Verb } from './verbs.js'

const SWEEP: Verb = { kind: 'sweep', graceMs: 5 }
const EXPIRES_MS = START_MS + 10
const EXPIRING = new Map([[KEY, small('I', EXPIRES_MS)]])

/** Some verbs beside a sweep, each in a process of its own. */
function beside(...verbs: readonly Verb[]): Verb[][] {
  return [[SWEEP], ...verbs.map((verb) => [verb])]
}

const withoutAdd = (value: string): Verb[] => verbsOf(value).filter(({ kind }) => kind !== 'add')

await t.test(
  'an object that expires at any moment is there before it, and not after',
  async (t) => {
    const changes = { ticksMs: [EXPIRES_MS] }
    survey(t, pairs(IS_DEEP ? verbsOf : withoutAdd, changes, [EXPIRING]), ['concealed'])
  },
)

await t.test('what is written while a sweep removes the expired object survives', async (t) => {
  for (const place of ['local', 'nfs4'] as const) {
    const scenarios = verbsOf('A').flatMap((verb): Scenario[] => {
      if (place === 'nfs4' && verb.kind === 'add' && !IS_DEEP) return []
      return [scenario(beside(verb), { place, initial: EXPIRED })]
    })
    const { exceptions } = survey(t, scenarios)
    t.equal(exceptions.size, 0, 'and nobody else is there to see the window')
  }
})

await t.test('the window of the race of expiry is the only one', async (t) => {
  const write: Verb = { kind: 'write', key: KEY, value: small('A') }
  const others: Verb[] = [
    { kind: 'read', key: KEY },
    { kind: 'remove', key: KEY },
  ]
  const scenarios = others.map((other) => scenario(beside(write, other), { initial: EXPIRED }))
  const { exceptions, states } = survey(t, scenarios, ['concealed'])
  const ends = exceptions.get('concealed') ?? 0
  t.ok(ends > 0, 'it is there')
  t.comment(`the window shows in ${ends} different ends, of ${states} states`)
})

await t.test('any number of sweeps may run at once', async (t) => {
  const sweeps = [[SWEEP], [SWEEP]]
  const changes = { initial: EXPIRED }
  survey(t, [scenario(sweeps, changes), scenario(sweeps, { ...changes, place: 'nfs4' })])
  const beside = withoutAdd('A').map((verb) => scenario([...sweeps, [verb]], changes))
  survey(t, beside, ['concealed'])
})

await t.test(
  'a sweep does nothing to those that are alive, whatever their clocks say',
  async (t) => {
    const aheadMs = [0, 1_000_000]
    const scenarios = [PRESENT, ABSENT].flatMap((initial) =>
      verbsOf('A').map((verb) => scenario([[verb], [SWEEP]], { initial, aheadMs })),
    )
    survey(t, scenarios)
  },
)
