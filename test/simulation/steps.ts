import { crc32 } from 'node:zlib'
import { StoreError } from '../../lib/errors.js'
import type { Effect, Operation } from '../../lib/drivers/effects.js'
import { decodeFooter, FooterProblem } from '../../lib/format/footer.js'
import { openStore } from '../../lib/protocol/open.js'
import { GAP } from './nfs.js'
import type { Process, Thread } from './process.js'
import { MOUNT_POINT } from './system-calls.js'
import { age } from './sweep.js'
import { Failure, systemError } from './system-error.js'
import { tellVerb } from './trace.js'
import { perform } from './verbs.js'
import type { Choice, World } from './world.js'

type Answer =
  | { readonly kind: 'half' }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly error: unknown }

/** Moves a world on by one choice. */
export function take(world: World, choice: Choice): void {
  world.readClock = false
  world.isRedundant = false
  const process = world.processes[choice.process]
  const thread = process?.threads[choice.thread]
  if (process !== undefined && thread !== undefined) stepThread(world, process, thread, choice)
  else happen(world, process, choice)
}

/** Something that is no step of a thread. */
function happen(world: World, process: Process | undefined, choice: Choice): void {
  note(world, choice, undefined, { kind: 'result', result: undefined })
  switch (choice.act) {
    case 'tick':
      world.nowMs = world.scenario.ticksMs[world.ticksDone] as number
      world.ticksDone += 1
      world.history.tick(world.nowMs)
      world.fileSystem.nowMs = world.nowMs
      return
    case 'server tick':
      world.fileSystem.clock += 1
      return
    case 'kill':
      world.faultsLeft.kills -= 1
      world.hadFault = true
      for (const { entry } of process?.threads ?? [])
        if (entry !== undefined) world.history.die(entry)
      process?.kill()
      return
    case 'suspend':
    case 'wake':
      if (process !== undefined) process.isSuspended = choice.act === 'suspend'
      return
    case 'age':
      world.faultsLeft.stops -= 1
      world.hadFault = true
      if (process !== undefined) age(world, process)
      return
    default:
      throw new Error(`${choice.act} is a step of a thread`)
  }
}

function stepThread(world: World, process: Process, thread: Thread, choice: Choice): void {
  const { entry } = thread
  if (entry !== undefined && !choice.isPrivate) world.history.call(entry)
  world.fileSystem.actor = process.index
  if (thread.operation === undefined) begin(world, process, thread, choice)
  else {
    const effect = thread.effect as Effect
    const answer = attempt(world, process, thread, effect, choice)
    note(world, choice, effect, answer)
    learn(world, thread, answer)
    if (answer.kind !== 'half') resume(world, process, thread, answer)
  }
  // The first look at the clock is where a verb begins, as seen from outside.
  if (world.readClock && world.hasTicks && thread.entry !== undefined)
    world.history.call(thread.entry)
}

/** Starts the next verb of a program. */
function begin(world: World, process: Process, thread: Thread, choice: Choice): void {
  const verb = thread.program?.[thread.position]
  if (verb === undefined) throw new Error('the program is over')
  thread.position += 1
  thread.entry = world.history.add(verb, process.index)
  thread.knowledge = 0
  if (!choice.isPrivate) world.history.call(thread.entry)
  thread.operation = mutated(world, operationOf(world, process, verb))
  note(world, choice, undefined, { kind: 'result', result: undefined }, `begins ${tellVerb(verb)}`)
  resume(world, process, thread, { kind: 'result', result: undefined })
}

function operationOf(
  world: World,
  process: Process,
  verb: Parameters<typeof perform>[1],
): Operation<unknown> {
  if (verb.kind === 'open') return openFor(world, process)
  if (process.context === undefined) throw new Error('the store was not opened')
  return perform(process.context, verb)
}

function* openFor(world: World, process: Process): Operation<void> {
  const environment = world.environmentOf(process)
  process.context = yield* openStore(MOUNT_POINT, { ...world.template.how, environment })
}

function mutated(world: World, operation: Operation<unknown>): Operation<unknown> {
  return world.scenario.mutate?.(operation) ?? operation
}

/** Performs a thread's next call, or what goes wrong with it. */
function attempt(
  world: World,
  process: Process,
  thread: Thread,
  effect: Effect,
  choice: Choice,
): Answer {
  const { faultsLeft } = world
  if (choice.act === 'abort') {
    faultsLeft.aborts -= 1
    world.hadFault = true
    return { kind: 'error', error: new StoreError('ABORTED', 'aborted by its signal') }
  }
  if (choice.act === 'fail') {
    faultsLeft.errors -= 1
    world.hadFault = true
    return { kind: 'error', error: failed(world, process, effect, choice.code ?? 'EIO') }
  }
  if (effect.call === 'checkpoint' || effect.call === 'pause')
    return { kind: 'result', result: undefined }
  const nfs = world.nfsOf(process)
  if (choice.act === 'lose' && nfs !== undefined) nfs.losesReply = true
  const answer = callOnce(process, thread, effect)
  if (choice.act !== 'lose' || nfs === undefined) return answer
  if (nfs.losesReply) {
    // The call changed nothing, or has only begun: that its reply got lost makes no difference.
    nfs.losesReply = false
    world.isRedundant = true
    return answer
  }
  faultsLeft.lostReplies -= 1
  world.hadFault = true
  if (thread.entry !== undefined) thread.entry.lostReply = true
  return answer
}

function callOnce(process: Process, thread: Thread, effect: Effect): Answer {
  try {
    thread.steps ??= process.calls.perform(effect)
    const step = thread.steps.next()
    if (step.done !== true) {
      thread.half = step.value
      return { kind: 'half' }
    }
    thread.steps = undefined
    return { kind: 'result', result: step.value }
  } catch (error) {
    thread.steps = undefined
    return { kind: 'error', error }
  }
}

/** A call that fails, with what that does. */
function failed(
  world: World,
  process: Process,
  { call, values }: Effect,
  code: 'EIO' | 'ENOSPC',
): Error {
  const [first] = values
  if (call === 'unlink') world.mayLeaveNames = true
  if (call === 'close' && typeof first === 'number') {
    const inode = process.calls.inodeOf(first)
    // NFS says only here that there was no room for what was written.
    if (inode.kind === 'file' && !inode.isShared) {
      world.fileSystem.setContent(
        inode.number,
        inode.content.subarray(0, inode.content.length >> 1),
      )
    }
    for (const _ of process.calls.perform({ call, values }));
  }
  const path = typeof first === 'string' ? first : undefined
  return Object.assign(systemError(new Failure(code), call, path), { injected: true })
}

/** Steps an operation with the answer to its last effect, until one takes a step of its own. */
function resume(world: World, process: Process, thread: Thread, answer: Answer): void {
  const operation = thread.operation as Operation<unknown>
  let next: Answer = answer
  try {
    for (;;) {
      const step =
        next.kind === 'error'
          ? operation.throw(next.error)
          : operation.next(next.kind === 'result' ? next.result : undefined)
      learnTime(world, thread)
      if (step.done === true) {
        end(world, thread, step.value, undefined)
        return
      }
      const effect = step.value
      next = { kind: 'result', result: undefined }
      if (effect.call === 'background')
        spawn(world, process, effect.values[0] as Operation<unknown>)
      else if (effect.call !== 'checkpoint' || world.scenario.faults.aborts > 0) {
        thread.effect = effect
        seeWhatIsWritten(thread, effect)
        return
      }
    }
  } catch (error) {
    learnTime(world, thread)
    end(world, thread, undefined, error)
  }
}

function spawn(world: World, process: Process, operation: Operation<unknown>): void {
  const thread = process.spawn(mutated(world, operation))
  resume(world, process, thread, { kind: 'result', result: undefined })
}

function end(world: World, thread: Thread, result: unknown, error: unknown): void {
  const { entry } = thread
  thread.operation = undefined
  thread.effect = undefined
  thread.entry = undefined
  if (entry !== undefined) world.history.return(entry, result, error)
  else if (error !== undefined && !world.hadFault) world.cleanUpError ??= error
}

/** A copy's value is known to the simulation only by its being written. */
function seeWhatIsWritten({ entry }: Thread, { call, values }: Effect): void {
  if (entry === undefined || call !== 'writev') return
  const footer = (values[1] as Buffer[]).at(-1) as Buffer
  const length = (values[1] as Buffer[]).reduce((sum, each) => sum + each.length, 0)
  const decoded = decodeFooter(footer, length)
  if (decoded instanceof FooterProblem) return
  entry.wrote = decoded.contentType
  entry.wroteExpiresAtMs = decoded.expiresAtMs
}

function learn(world: World, thread: Thread, answer: Answer): void {
  if (answer.kind === 'half') {
    if (thread.half === GAP && thread.entry !== undefined) thread.entry.hadGap = true
    return
  }
  const { call, values } = thread.effect as Effect
  const isAside = call === 'rename' && (values[1] as string).endsWith('.live')
  if (isAside && thread.entry !== undefined) thread.entry.movedAside = true
  const told =
    answer.kind === 'error' ? tellError(answer.error) : tell(world, answer.result, thread.effect)
  thread.knowledge = world.interner.number(`${thread.knowledge} ${told}`)
}

/** What time it was is part of what an operation knows, if it looked. */
function learnTime(world: World, thread: Thread): void {
  if (!world.readClock) return
  thread.knowledge = world.interner.number(`${thread.knowledge} at ${world.nowMs}`)
}

function tellError(error: unknown): string {
  const { errno, code } = error as { errno?: number; code?: string }
  return `!${errno ?? code ?? String(error)}`
}

/** An answer in a text that is the same for the same answer. */
function tell(world: World, result: unknown, effect: Effect | undefined): string {
  if (effect?.call === 'read') {
    const [, buffer, offset] = effect.values as [number, Buffer, number]
    return `${result as number}.${crc32(buffer.subarray(offset, offset + (result as number)))}`
  }
  if (Array.isArray(result)) {
    return result
      .map((each: string | { name: string }) => (typeof each === 'string' ? each : each.name))
      .join()
  }
  if (typeof result === 'object' && result !== null) {
    const { ino = '', nlink = '', size = '', mtimeMs = '' } = result as Record<string, bigint>
    return `${ino}.${nlink}.${size}.${world.fileSystem.tracksTimes ? mtimeMs : ''}`
  }
  return String(result)
}

function note(
  world: World,
  choice: Choice,
  effect: Effect | undefined,
  answer: Answer,
  text?: string,
): void {
  world.happenings.push({
    choice,
    effect,
    isHalf: answer.kind === 'half',
    answer: answer.kind === 'result' ? answer.result : undefined,
    error: answer.kind === 'error' ? answer.error : undefined,
    note: text,
  })
}
