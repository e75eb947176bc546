/**
 * Cached reads, in every order of the steps of two processes, where inode numbers are given again
 * as soon as a file has no name any more.
 */
import t from 'tap'
import { KEY, scenario, type Scenario } from './scenario.js'
import { IS_DEEP, PRESENT, survey } from './survey.js'
import { small, type Verb } from './verbs.js'

const READ: Verb = { kind: 'read', key: KEY }
const STAT: Verb = { kind: 'stat', key: KEY }
const REMOVE: Verb = { kind: 'remove', key: KEY }
const TAKE: Verb = { kind: 'take', key: KEY }
const write = (id: string): Verb => ({ kind: 'write', key: KEY, value: small(id) })

type Changes = Parameters<typeof scenario>[1]

/** A process that has the value in memory, against one that changes it. */
function* against(changes: Changes): Generator<Scenario> {
  const others: Verb[][] = [[write('A'), write('B')], [REMOVE, write('B')], [TAKE], [REMOVE]]
  const facts = { initial: PRESENT, isCached: true, setup: [[0, READ]] as const, ...changes }
  for (const other of others) {
    for (const reads of [[READ], [STAT], [READ, READ]]) yield scenario([reads, other], facts)
  }
}

await t.test('cached reads are those of any order: local', (t) => {
  survey(t, against({}))
  t.end()
})

await t.test('cached reads are those of any order: NFS 4', (t) => {
  survey(t, against({ place: 'nfs4' }))
  t.end()
})

await t.test('cached reads are those of any order: NFS 3', (t) => {
  const all = [...against({ place: 'nfs3' })]
  survey(t, IS_DEEP ? all : all.filter(({ cast }) => cast[1]?.programs[0]?.length === 1))
  t.end()
})

await t.test('two readers of one process, one of which drops what the other believes', (t) => {
  const cast = [
    { host: 0, programs: [[READ], [READ]] },
    { host: 0, programs: [[write('A'), write('B')]] },
  ]
  survey(t, [scenario([], { initial: PRESENT, isCached: true, setup: [[0, READ]], cast })])
  t.end()
})
