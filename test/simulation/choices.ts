import { isPrivateStep } from './privacy.js'
import type { Process, Thread } from './process.js'
import type { Choice, World } from './world.js'

/** Calls that NFS does twice when a reply is lost, and that answer differently then. */
const DONE_ONCE = new Set(['link', 'unlink', 'rename', 'mkdir', 'rmdir'])
/** Calls that need room. */
const NEEDS_ROOM = new Set(['open', 'writev', 'write', 'link', 'mkdir', 'rename', 'close'])

/** The threads that can take a step. */
export function runnable(world: World): [process: Process, thread: Thread][] {
  const found: [Process, Thread][] = []
  // A kernel takes less time from one call to the next than a pause does.
  const mayPause = !world.processes.some(({ isInGap }) => isInGap)
  for (const process of world.processes) {
    if (process.isDead || process.isSuspended) continue
    for (const thread of process.threads) {
      const isHeld = thread.effect?.call === 'pause' && !mayPause
      if (!thread.isDone && !isHeld) found.push([process, thread])
    }
  }
  return found
}

/** What can happen next. Where a step that no other process can notice can be taken, only that. */
export function choicesOf(world: World): Choice[] {
  const threads = runnable(world)
  for (const [process, thread] of threads) {
    if (isPrivateStep(world, process, thread)) return [choose('step', process, thread, true)]
  }
  return allChoices(world, threads)
}

/** The same, without leaving anything out. */
export function allChoices(world: World, threads = runnable(world)): Choice[] {
  const { faultsLeft } = world
  const choices = threads.flatMap(([process, thread]) => choicesFor(world, process, thread))
  if (faultsLeft.kills > 0) {
    const running = new Set(threads.map(([process]) => process))
    for (const process of running) choices.push(choose('kill', process))
  }
  if (faultsLeft.stops > 0) {
    // Sweepers are not silent: that is what they are known by.
    const silent = world.processes.filter(({ isAged, sweeps }) => !isAged && !sweeps)
    if (threads.length > 0) for (const process of silent) choices.push(choose('age', process))
  }
  if (threads.length > 0 && world.hasTicks) choices.push(choose('tick'))
  if (threads.length > 0 && mayServerTick(world)) choices.push(choose('server tick'))
  return choices
}

function choicesFor(world: World, process: Process, thread: Thread): Choice[] {
  const { faultsLeft } = world
  const choices = [choose('step', process, thread)]
  const call = thread.effect?.call ?? ''
  const isBegun = thread.steps === undefined
  if (faultsLeft.lostReplies > 0 && DONE_ONCE.has(call) && world.nfsOf(process) !== undefined) {
    choices.push(choose('lose', process, thread))
  }
  if (faultsLeft.aborts > 0 && call === 'checkpoint') choices.push(choose('abort', process, thread))
  if (faultsLeft.errors > 0 && isBegun && call !== '' && call !== 'checkpoint') {
    choices.push({ ...choose('fail', process, thread), code: 'EIO' })
    if (NEEDS_ROOM.has(call)) choices.push({ ...choose('fail', process, thread), code: 'ENOSPC' })
  }
  return choices
}

/** Only after a change does it matter whether the next falls into the same tick. */
function mayServerTick({ scenario, fileSystem }: World): boolean {
  if (scenario.place !== 'nfs3' || fileSystem.ticksByItself || !scenario.serverTicks) return false
  const isNow = ({ changedAt, isShared }: { changedAt: number; isShared: boolean }): boolean =>
    isShared && changedAt === fileSystem.clock
  return [...fileSystem.inodes.values()].some(isNow)
}

function choose(
  act: Choice['act'],
  process?: Process,
  thread?: Thread,
  isPrivateOne = false,
): Choice {
  return {
    act,
    process: process?.index ?? -1,
    thread: thread?.index ?? -1,
    isPrivate: isPrivateOne,
  }
}
