/**
 * Conditional stores, in every order of the steps of two processes: with a condition or without,
 * all writes take part, and no exception is needed to explain what they answer.
 */
import t from 'tap'
import { explore } from './exploration.js'
import { KEY, scenario, type Scenario } from './scenario.js'
import { ABSENT, EXPIRED, IS_DEEP, pairs, PRESENT, survey, verbsOf } from './survey.js'
import { startVersion } from './template.js'
import { small, type Verb } from './verbs.js'

type Changes = Parameters<typeof scenario>[1]

const CONDITIONAL = { isConditional: true } as const
const NFS_4 = { ...CONDITIONAL, place: 'nfs4' } as const
const NFS_3 = { ...CONDITIONAL, place: 'nfs3' } as const
/** Of all changes within its only tick, hosts learn of the first alone. */
const STILL = { ...NFS_3, ticksByItself: false } as const

/** Changes of what is looked at first. */
const lookingVerbs = (value: string): Verb[] => [
  { kind: 'swap', key: KEY, value: small(value) },
  { kind: 'drop', key: KEY },
]
/** Changes of what was there at the start, which are the cheaper to explore. */
function changing(changes: Changes): (value: string) => Verb[] {
  const start = scenario([[{ kind: 'read', key: KEY }]], { ...changes, initial: PRESENT })
  const [id = ''] = [...PRESENT.values()].map((value) => value.id)
  const seen = { id, version: startVersion(start, KEY) }
  return (value) => [
    { kind: 'swap', key: KEY, value: small(value), seen },
    { kind: 'drop', key: KEY, seen },
  ]
}

const changesLocal = changing(CONDITIONAL)
const changesOnNfs4 = changing(NFS_4)
const changesOnNfs3 = changing(NFS_3)
const allVerbs = (value: string): Verb[] => [...lookingVerbs(value), ...verbsOf(value)]
/** An unconditional change, and a look. */
const otherVerbs = (value: string): Verb[] => [
  { kind: 'write', key: KEY, value: small(value) },
  { kind: 'read', key: KEY },
]

await t.test('every order of two operations in a conditional store is explained: local', (t) => {
  survey(t, pairs(allVerbs, CONDITIONAL, [PRESENT, ABSENT, EXPIRED]))
  t.end()
})

await t.test('every order of two operations in a conditional store is explained: NFS 4', (t) => {
  const someVerbs = (value: string): Verb[] => [...changesOnNfs4(value), ...otherVerbs(value)]
  survey(t, pairs(IS_DEEP ? allVerbs : someVerbs, NFS_4, [PRESENT]))
  t.end()
})

await t.test('every order of two operations in a conditional store is explained: NFS 3', (t) => {
  const someVerbs = (value: string): Verb[] => [...changesOnNfs3(value), ...otherVerbs(value)]
  survey(t, pairs(someVerbs, STILL, [PRESENT]))
  const moving = [...pairs(someVerbs, NFS_3, [PRESENT])]
  survey(t, IS_DEEP ? moving : moving.slice(0, 1))
  t.end()
})

await t.test('who is overtaken in a conditional store is refused, or may not know', (t) => {
  const last: Verb = { kind: 'write', key: KEY, value: small('C'), kept: 1 }
  const against = (verb: Verb, [first]: Verb[], changes: Changes): Scenario =>
    scenario([[verb], [first!, last]], { ...changes, initial: PRESENT })
  const local = changesLocal('A').map((verb) => against(verb, changesLocal('B'), CONDITIONAL))
  survey(t, local, ['overtaken'])
  const nfs4 = changesOnNfs4('A').map((verb) => against(verb, changesOnNfs4('B'), NFS_4))
  if (IS_DEEP) survey(t, nfs4, ['overtaken'])
  t.end()
})

await t.test('elsewhere a look before the change is not enough, whoever else writes', (t) => {
  for (const one of lookingVerbs('A')) {
    for (const kind of ['swap', 'write'] as const) {
      const other: Verb = { kind, key: KEY, value: small('B') }
      const { violation } = explore(scenario([[one], [other]], { initial: PRESENT }))
      t.match(violation, /no order of what happened/, `${one.kind} and ${other.kind}`)
    }
  }
  t.end()
})

await t.test('in a conditional store a process killed anywhere harms no other', (t) => {
  survey(t, pairs(allVerbs, { ...CONDITIONAL, faults: { kills: 1 } }, [PRESENT]))
  t.end()
})

await t.test('in a conditional store any single reply that NFS loses is understood', (t) => {
  const lossy = { ...NFS_4, faults: { lostReplies: 1 } }
  survey(t, pairs(IS_DEEP ? allVerbs : changesOnNfs4, lossy, [PRESENT]))
  t.end()
})

await t.test('in a conditional store what fails is known, or an error', (t) => {
  survey(t, pairs(changesLocal, { ...CONDITIONAL, faults: { errors: 1 } }, [PRESENT]))
  t.end()
})

await t.test('what a conditional store acknowledged survives a power cut', (t) => {
  survey(t, pairs(changesLocal, { ...CONDITIONAL, powerCut: 'one' }, [PRESENT]))
  const reading: Verb = { kind: 'read', key: KEY }
  const alone = allVerbs('A').map((verb) =>
    scenario([[verb, reading]], { ...CONDITIONAL, powerCut: 'per directory' }),
  )
  survey(t, alone)
  t.end()
})
