/**
 * Conditional stores, in every order of the steps of two processes: with a condition or without,
 * all writes take part, and no exception is needed to explain what they answer.
 */
import t from 'tap'
import { KEY, scenario, type Place } from './scenario.js'
import { ABSENT, EXPIRED, IS_DEEP, pairs, PRESENT, survey, verbsOf } from './survey.js'
import { small, type Verb } from './verbs.js'

const CONDITIONAL = { isConditional: true } as const

const conditionalVerbs = (value: string): Verb[] => [
  { kind: 'swap', key: KEY, value: small(value) },
  { kind: 'drop', key: KEY },
]
const allVerbs = (value: string): Verb[] => [...conditionalVerbs(value), ...verbsOf(value)]
/** What is cheap to explore on NFS. */
const someVerbs = (value: string): Verb[] => [
  ...conditionalVerbs(value),
  { kind: 'write', key: KEY, value: small(value) },
  { kind: 'read', key: KEY },
]

await t.test('every order of two operations in a conditional store is explained: local', (t) => {
  survey(t, pairs(allVerbs, CONDITIONAL, [PRESENT, ABSENT, EXPIRED]))
  t.end()
})

for (const place of ['nfs4', 'nfs3'] as Place[]) {
  await t.test(
    `every order of two operations in a conditional store is explained: ${place}`,
    (t) => {
      const verbs = IS_DEEP ? allVerbs : place === 'nfs4' ? someVerbs : conditionalVerbs
      survey(t, pairs(verbs, { ...CONDITIONAL, place }, [PRESENT]))
      const still = { ...CONDITIONAL, place, ticksByItself: false }
      if (place === 'nfs3') survey(t, pairs(conditionalVerbs, still, [PRESENT]))
      t.end()
    },
  )
}

await t.test('in a conditional store a process killed anywhere harms no other', (t) => {
  survey(t, pairs(allVerbs, { ...CONDITIONAL, faults: { kills: 1 } }, [PRESENT]))
  t.end()
})

await t.test('in a conditional store any single reply that NFS loses is understood', (t) => {
  const lossy = { ...CONDITIONAL, place: 'nfs4', faults: { lostReplies: 1 } } as const
  survey(t, pairs(IS_DEEP ? allVerbs : conditionalVerbs, lossy, [PRESENT]))
  t.end()
})

await t.test(
  'in a conditional store whatever call fails, the outcome is known or an error',
  (t) => {
    survey(t, pairs(conditionalVerbs, { ...CONDITIONAL, faults: { errors: 1 } }, [PRESENT]))
    t.end()
  },
)

await t.test('what a conditional store acknowledged survives a power cut', (t) => {
  survey(t, pairs(conditionalVerbs, { ...CONDITIONAL, powerCut: 'one' }, [PRESENT]))
  const reading: Verb = { kind: 'read', key: KEY }
  const alone = allVerbs('A').map((verb) =>
    scenario([[verb, reading]], { ...CONDITIONAL, powerCut: 'per directory' }),
  )
  survey(t, alone)
  t.end()
})
