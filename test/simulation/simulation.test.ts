/**
 * Two and three operations, by as many processes, in every order of their steps, on a simulated
 * file system: a local one, and NFS between hosts. Each end is judged: is there an order of the
 * operations, one after the other, that explains what they answered and what is left?
 */
import t from 'tap'
import { KEY, scenario, type Place, type Scenario } from './scenario.js'
import {
  allVerbsOf,
  IS_DEEP,
  OTHER_KEY,
  pairs,
  PRESENT,
  survey,
  triples,
  verbsOf,
} from './survey.js'
import { small, type Verb } from './verbs.js'

const PLACES: readonly Place[] = ['local', 'nfs4', 'nfs3']
const BOTH_PRESENT = new Map([
  [KEY, small('I')],
  [OTHER_KEY, small('J')],
])

const withStat = (value: string): Verb[] => [...verbsOf(value), { kind: 'stat', key: KEY }]

/** Both processes on one host, where NFS takes away what it replaces while it is in use. */
function* onOneHost(scenarios: Iterable<Scenario>): Generator<Scenario> {
  for (const each of scenarios) yield { ...each, cast: each.cast.map((p) => ({ ...p, host: 0 })) }
}

for (const place of PLACES) {
  await t.test(`every order of two operations on one key is explained: ${place}`, async (t) => {
    const { interleavings } = survey(t, pairs(withStat, { place }))
    t.ok(interleavings > 4000, 'nothing was left out by mistake')
  })
}

await t.test('the same for the other ways to open a store', async (t) => {
  for (const place of ['local', 'nfs4'] as const) {
    survey(t, pairs(withStat, { place, reads: 'open' }))
    survey(t, pairs(withStat, { place, format: 'raw' }))
    survey(t, pairs(verbsOf, { place, dirMode: 0o770 }))
    survey(t, pairs(verbsOf, { place, pinned: true }, [PRESENT]))
  }
})

await t.test('the same for two processes of one NFS host', async (t) => {
  survey(t, onOneHost(pairs(verbsOf, { place: 'nfs4' })), ['gap'])
})

await t.test(
  'every order of copies, renames and operations on both keys is explained',
  async (t) => {
    survey(t, pairs(allVerbsOf, {}, [BOTH_PRESENT]))
    if (IS_DEEP) survey(t, pairs(allVerbsOf, { place: 'nfs4' }, [BOTH_PRESENT]))
  },
)

await t.test('two processes that open, use and close a new store do not collide', async (t) => {
  const program = (value: string): Verb[] => [
    { kind: 'open' },
    { kind: 'write', key: KEY, value: small(value) },
    { kind: 'close' },
  ]
  const fresh = { opened: false, initial: new Map() }
  const programs = [program('A'), [{ kind: 'open' }, { kind: 'read', key: KEY }]] as const
  survey(t, [scenario(programs, fresh)])
})

await t.test('every order of three operations on one key is explained: local', async (t) => {
  survey(t, triples(IS_DEEP ? withStat : verbsOf))
})

await t.test('every order of three operations on one key is explained: nfs4', async (t) => {
  const some = new Set(['write read take'])
  const isChosen = ({ cast }: Scenario): boolean => {
    const kinds = cast.map(({ programs }) => programs[0]?.[0]?.kind)
    return some.has(kinds.join(' '))
  }
  const all = [...triples(verbsOf, { place: 'nfs4' })]
  survey(t, IS_DEEP ? all : all.filter(isChosen))
})
