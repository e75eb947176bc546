/** Deliberate faults of the protocol of cells, as in mutants.ts. */
import { constants as fsConstants } from 'node:fs'
import type { Effect, Operation } from '../../lib/drivers/effects.js'
import {
  absent,
  altering,
  ask,
  CUT,
  first,
  nothing,
  on,
  plainly,
  quietly,
  second,
  UNEXPLAINED,
  unrecognised,
  where,
  withoutFlush,
  type Mutant,
  type Rule,
} from './mutants.js'
import { scenario, type Mutate } from './scenario.js'
import { isPrivate } from './system-calls.js'
import type { Verb } from './verbs.js'

const READ: Verb = { kind: 'read cell', cell: 'c' }
const SWEEP: Verb = { kind: 'sweep', graceMs: 5 }
/** Keeps one generation only where that is wanted, so that few are enough to have some pruned. */
const update = (value: string, kept?: number): Verb => {
  return { kind: 'update cell', cell: 'c', value, ...(kept !== undefined && { kept }) }
}

const NEW = { initial: new Map(), cells: new Map() }
const WRITTEN = { initial: new Map(), cells: new Map([['c', ['I']]]) }
const ON_NFS = { place: 'nfs4' } as const
/** Who has read a cell is held up until others have gone on and pruned what it would follow. */
const OVERTAKEN = scenario([[update('A', 1)], [update('B', 1), update('C', 1)]], WRITTEN)

const isCell = (path: string): boolean => path.startsWith('/s/.cells/') && path.length > 60
const numberOf = (path: string): number => {
  return Number(/^\/s\/\.cells\/.*\/(\d+)$/.exec(isCell(path) ? path : '')?.[1] ?? 0)
}
const isCellDirectory = (path: string): boolean => isCell(path) && /\/[0-9a-f]{60}$/.test(path)
const isLook = (path: string): boolean => isCell(path) && path.includes('/look-')
/** Whether a generation is linked. */
export const isLinking = (effect: Effect): boolean => {
  return effect.call === 'link' && numberOf(second(effect)) > 0
}

/** A rule for what an operation does once it has tried to link a generation. */
function afterLink(rule: (effect: Effect, number: number) => Operation<unknown>): {
  readonly mutate: Mutate
} {
  const ruleOf = (): Rule => {
    let linked = 0
    return function* (effect) {
      if (linked > 0) return yield* rule(effect, linked)
      if (isLinking(effect)) linked = numberOf(second(effect))
      return yield* plainly(effect)
    }
  }
  return { mutate: altering(ruleOf) }
}

/** Takes a cell for empty once a generation was not there any more. */
function withoutLookingAgain(): { readonly mutate: Mutate } {
  const ruleOf = (): Rule => {
    let isPruned = false
    return function* (effect) {
      if (isPruned && on('readdir', isCellDirectory)(effect)) return []
      try {
        return yield* plainly(effect)
      } catch (error) {
        if (effect.call === 'open' && numberOf(first(effect)) > 0) isPruned = true
        throw error
      }
    }
  }
  return { mutate: altering(ruleOf) }
}

/** All of them. */
export const CELL_MUTANTS: readonly Mutant[] = [
  {
    name: 'a cell is not looked at again after a link',
    scenario: OVERTAKEN,
    fault: afterLink(function* (effect, number) {
      const answer = yield* plainly(effect)
      if (!on('readdir', isCellDirectory)(effect)) return answer
      return (answer as string[]).filter((name) => Number(name) <= number)
    }),
    shows: UNEXPLAINED,
  },
  {
    name: 'the newest generation is pruned with the others',
    scenario: scenario([[update('A', 1)], [READ]], WRITTEN),
    fault: where(
      (effect) => effect.call === 'unlink' && numberOf(first(effect)) > 0,
      function* (effect) {
        const next = first(effect).replace(/\d+$/, (number) => `${Number(number) + 1}`)
        yield* quietly(ask('unlink', next))
        return yield effect
      },
    ),
    shows: UNEXPLAINED,
  },
  {
    name: 'generations are pruned out of order',
    scenario: OVERTAKEN,
    fault: where((effect) => effect.call === 'unlink' && numberOf(first(effect)) === 2, nothing),
    shows: UNEXPLAINED,
  },
  {
    name: 'the number of a generation is given out twice',
    scenario: scenario([[update('A')], [update('B')]], WRITTEN),
    fault: where(isLinking, function* (effect) {
      yield* quietly(ask('unlink', second(effect)))
      return yield effect
    }),
    shows: UNEXPLAINED,
  },
  {
    name: 'a generation is not asked whether it follows ours',
    scenario: scenario([[update('A')], [update('B')]], WRITTEN),
    fault: afterLink((effect, number) => {
      const isNext = effect.call === 'open' && numberOf(first(effect)) === number + 1
      return isNext ? absent(effect) : plainly(effect)
    }),
    shows: UNEXPLAINED,
  },
  {
    name: 'a cell whose generation was pruned is not looked at again',
    scenario: scenario([[READ], [update('A', 1)]], WRITTEN),
    fault: withoutLookingAgain(),
    shows: UNEXPLAINED,
  },
  {
    name: 'the list of a cell is believed within a tick',
    scenario: scenario(
      [
        [update('A'), update('B')],
        [READ, READ],
      ],
      {
        ...WRITTEN,
        place: 'nfs3',
        ticksByItself: false,
      },
    ),
    fault: where(
      (effect) => (effect.call === 'mkdir' || effect.call === 'rmdir') && isLook(first(effect)),
      nothing,
    ),
    shows: UNEXPLAINED,
  },
  {
    name: 'a cell that was missed is not looked for from the root',
    scenario: scenario([[update('A')], [READ]], { ...NEW, ...ON_NFS, setup: [[1, READ]] }),
    fault: where(
      ({ call, values }) =>
        call === 'open' &&
        (Number(values[1]) & fsConstants.O_DIRECTORY) !== 0 &&
        !isCellDirectory(String(values[0])),
      absent,
    ),
    shows: UNEXPLAINED,
  },
  {
    name: 'a generation is not recognised as ours when the reply to its link is lost',
    scenario: scenario([[update('A')]], { ...WRITTEN, ...ON_NFS, faults: { lostReplies: 1 } }),
    fault: unrecognised(),
    shows: UNEXPLAINED,
  },
  {
    name: 'a generation is taken for that of another since our private name is gone',
    scenario: scenario([[update('A')], [SWEEP]], {
      ...WRITTEN,
      ...ON_NFS,
      lookupCache: 'none',
      faults: { lostReplies: 1, stops: 1 },
    }),
    fault: afterLink(function* (effect) {
      try {
        return yield effect
      } catch (error) {
        if (on('lstat', isPrivate)(effect) && effect.values.length === 1) return {}
        throw error
      }
    }),
    shows: UNEXPLAINED,
  },
  {
    name: 'the directory of a cell is not flushed',
    scenario: scenario([[update('A'), READ]], { ...WRITTEN, powerCut: 'one' }),
    fault: withoutFlush(isCellDirectory),
    shows: CUT,
  },
  {
    name: 'the parents of the directory of a cell are not flushed',
    scenario: scenario([[update('A'), READ]], { ...NEW, powerCut: 'per directory' }),
    fault: withoutFlush((path) => !isPrivate(path) && !isCellDirectory(path)),
    shows: CUT,
  },
]
