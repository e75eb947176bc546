/**
 * NFS 3 tells of changes by a clock: two within one of its ticks look like one. Here the clock
 * stands still, so that of all changes hosts learn of the first alone. What that does depends on
 * the mount option `lookupcache`.
 */
import t from 'tap'
import type { LookupCache } from './nfs.js'
import { KEY, scenario, type Scenario } from './scenario.js'
import { ABSENT, IS_DEEP, pairs, PRESENT, survey, verbsOf } from './survey.js'
import { small, type Verb } from './verbs.js'

const STILL = { place: 'nfs3', ticksByItself: false } as const
const READ: Verb = { kind: 'read', key: KEY }
const REMOVE: Verb = { kind: 'remove', key: KEY }

const write = (id: string): Verb => ({ kind: 'write', key: KEY, value: small(id) })
const withStat = (value: string): Verb[] => [...verbsOf(value), { kind: 'stat', key: KEY }]

/** A host that changes a key twice, and one that reads it and then does something else. */
function twice(one: Verb, other: Verb, changes: Parameters<typeof scenario>[1]): Scenario[] {
  return withStat('C').map((verb) =>
    scenario(
      [
        [one, other],
        [READ, verb],
      ],
      changes,
    ),
  )
}

/** Where the value is another one after each change. */
function overwriting(lookupCache: LookupCache, ticksByItself = false): Scenario[] {
  const changes = { ...STILL, lookupCache, ticksByItself, initial: PRESENT, pinned: true }
  return twice(write('A'), write('B'), changes)
}

/** Where the key is also absent in between, or afterwards. */
function removing(lookupCache: LookupCache, ticksByItself = false): Scenario[] {
  const changes = { ...STILL, lookupCache, ticksByItself, initial: PRESENT, pinned: true }
  const again = twice(REMOVE, write('B'), changes)
  const isChosen = ({ cast }: Scenario): boolean => {
    return IS_DEEP || cast[1]?.programs[0]?.[1]?.kind === 'remove'
  }
  return [...twice(write('A'), REMOVE, changes), ...again.filter(isChosen)]
}

await t.test(
  'with lookupcache=none every order of two operations is explained, whatever the clock',
  async (t) => {
    survey(t, pairs(withStat, { ...STILL, lookupCache: 'none' }))
    if (IS_DEEP) survey(t, pairs(withStat, { ...STILL, lookupCache: 'none', serverTicks: true }))
  },
)

await t.test(
  'with lookupcache=none nothing is seen too late, though a listing may hold a read up',
  async (t) => {
    survey(t, overwriting('none'))
    survey(t, removing('none'), ['restless'])
    const changes = { ...STILL, lookupCache: 'none', initial: ABSENT } as const
    const { exceptions } = survey(
      t,
      [scenario([[write('A'), REMOVE], [READ]], changes)],
      ['restless'],
    )
    t.ok((exceptions.get('restless') ?? 0) > 0, 'it is there')
  },
)

await t.test('without it values are seen too late, and nothing worse happens', async (t) => {
  survey(t, pairs(withStat, STILL))
  const { exceptions } = survey(t, overwriting('all'), ['tick'])
  t.ok((exceptions.get('tick') ?? 0) > 0, 'an old value is read')
})

await t.test(
  'without it keys are missed, or found, too late, and nothing worse happens',
  async (t) => {
    const { exceptions } = survey(t, removing('all'), ['tick', 'restless'])
    t.ok((exceptions.get('tick') ?? 0) > 0, 'a key is missed')
  },
)

await t.test('a clock with a tick for each change hides nothing', async (t) => {
  survey(t, [...overwriting('all', true), ...removing('all', true)])
})
