import { judge, unexpectedError, type Judgement } from './judgement.js'
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
  const { scenario, fileSystem } = world
  const violation = wrongAtEnd(world)
  const judgement =
    violation === undefined ? judgeHistory(world, judged) : { violation, exceptions: [] }
  const isTick = scenario.place === 'nfs3' && fileSystem.sawTwoInOneTick
  if (judgement.violation === undefined || !isTick) return judgement
  return { violation: undefined, exceptions: [...judgement.exceptions, 'tick'] }
}

function judgeHistory(world: World, judged: Set<string>): Judgement {
  const { history, scenario, fileSystem } = world
  if (scenario.endsWithSweep) {
    const left = sweepAtEnd(world, fileSystem)
    if (left.length > 0) return { violation: `the sweep left ${left.join()}`, exceptions: [] }
  }
  const final = observe(world, fileSystem)
  const known = `${history.describe()} ${[...final].join()}`
  if (judged.has(known)) return FINE
  judged.add(known)
  const { initial, endsWithSweep: isSwept } = scenario
  return judge(history, { initial, final, isSwept })
}

function wrongAtEnd(world: World): string | undefined {
  const { history, hadFault, scenario, cleanUpError } = world
  const wrong = unexpectedError(history, hadFault || scenario.mayFail) ?? leftovers(world)
  if (wrong !== undefined || cleanUpError === undefined) return wrong
  return `clean-up failed: ${tellError(cleanUpError)}`
}
