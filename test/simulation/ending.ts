import {
  isOvertaken,
  isRestless,
  isTold,
  judge,
  unexpectedError,
  type Judgement,
} from './judgement.js'
import { leftovers, observe } from './observation.js'
import { tellError } from './system-error.js'
import { sweepAtEnd } from './sweep.js'
import type { World } from './world.js'

const FINE: Judgement = { violation: undefined, exceptions: [] }

/**
 * Judges a run that is over: its errors, its history, what it left behind.
 *
 * @param judged - histories that need not be judged again
 */
export function judgeEnd(world: World, judged = new Set<string>()): Judgement {
  const violation = wrongAtEnd(world)
  if (violation !== undefined) return { violation, exceptions: [] }
  const judgement = judgeHistory(world, judged)
  if (judgement.violation !== undefined) return judgement
  const { entries } = world.history
  const exceptions = [...judgement.exceptions]
  if (mayMissChanges(world) && entries.some(({ error }) => isRestless(error))) {
    exceptions.push('restless')
  }
  if (entries.some(({ error }) => isOvertaken(error))) exceptions.push('overtaken')
  return { violation: undefined, exceptions }
}

function judgeHistory(world: World, judged: Set<string>): Judgement {
  const { history, scenario, fileSystem } = world
  // The sweep at the end changes much, with nobody there to miss it.
  const seesLate = mayMissChanges(world) && scenario.lookupCache === 'all'
  if (scenario.endsWithSweep) {
    const left = sweepAtEnd(world, fileSystem)
    if (left.length > 0) return { violation: `the sweep left ${left.join()}`, exceptions: [] }
  }
  const final = observe(world, fileSystem)
  const known = `${history.describe()} ${[...final].join()} ${seesLate}`
  if (judged.has(known)) return FINE
  judged.add(known)
  const { initial, cells, endsWithSweep: isSwept } = scenario
  return judge(history, { initial, cells, final, isSwept, seesLate })
}

/** Whether a host may have missed one of two changes. */
function mayMissChanges({ scenario, fileSystem }: World): boolean {
  return scenario.place === 'nfs3' && fileSystem.sawTwoInOneTick
}

function wrongAtEnd(world: World): string | undefined {
  const { history, hadFault, scenario, cleanUpError } = world
  const isExpected = (error: unknown): boolean => {
    if (isOvertaken(error) || (mayMissChanges(world) && isRestless(error))) return true
    return (hadFault || scenario.mayFail) && isTold(error)
  }
  const wrong = unexpectedError(history, isExpected) ?? leftovers(world)
  if (wrong !== undefined || cleanUpError === undefined) return wrong
  return `clean-up failed: ${tellError(cleanUpError)}`
}
