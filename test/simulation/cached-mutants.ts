/** Deliberate faults of cached reads, each with a scenario that must catch it. */
import type { Effect } from '../../lib/drivers/effects.js'
import {
  altering,
  ask,
  first,
  plainly,
  quietly,
  second,
  UNEXPLAINED,
  type Mutant,
  type Rule,
} from './mutants.js'
import { KEY, scenario, type Mutate } from './scenario.js'
import { isPrivate } from './system-calls.js'
import { small, type Verb } from './verbs.js'

const READ: Verb = { kind: 'read', key: KEY }
const write = (id: string): Verb => ({ kind: 'write', key: KEY, value: small(id) })
const CACHED = { isCached: true, setup: [[0, READ]] } as const

const isProof = (effect: Effect): boolean => effect.call === 'lstat' && !isPrivate(first(effect))

/** Unlinks the private name of what is kept, as soon as it is kept. */
function withoutLink(): { readonly mutate: Mutate } {
  const ruleOf = (): Rule => {
    let pinned = ''
    return function* (effect) {
      if (effect.call === 'link' && isPrivate(second(effect))) pinned = second(effect)
      const answer = yield* plainly(effect)
      if (effect.call === 'fstat') yield* quietly(ask('unlink', pinned))
      return answer
    }
  }
  return { mutate: altering(ruleOf) }
}

/** Looks, but goes by what was learnt of the file when it was kept. */
function withoutLook(): { readonly mutate: Mutate } {
  let kept: unknown
  const rule: Rule = function* (effect) {
    if (isProof(effect)) {
      yield* quietly(effect)
      return kept
    }
    const answer = yield* plainly(effect)
    if (effect.call === 'fstat') kept = answer
    return answer
  }
  return { mutate: altering(() => rule) }
}

/** All of them. */
export const CACHED_MUTANTS: readonly Mutant[] = [
  {
    name: 'no link is kept of what is cached',
    scenario: scenario(
      [
        [READ, READ],
        [write('A'), write('B')],
      ],
      { isCached: true },
    ),
    fault: withoutLink(),
    shows: UNEXPLAINED,
  },
  {
    name: 'what is cached is believed without a look',
    scenario: scenario([[READ, READ], [write('A')]], { isCached: true }),
    fault: withoutLook(),
    shows: UNEXPLAINED,
  },
  {
    name: 'what is cached is believed without revalidating its directory',
    scenario: scenario([[READ], [write('A')]], { ...CACHED, place: 'nfs4' }),
    fault: { fresh: false },
    shows: UNEXPLAINED,
  },
]
