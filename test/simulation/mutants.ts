/**
 * Deliberate faults of the protocol, each with a scenario that must catch it. A fault is made by
 * altering what an operation asks of the file system, or what that answers.
 */
import type { Effect, Operation } from '../../lib/drivers/effects.js'
import { KEY, scenario, START_MS, type Mutate, type Scenario } from './scenario.js'
import { ABSENT, EXPIRED } from './survey.js'
import { isPrivate, MOUNT_POINT } from './system-calls.js'
import { Failure, systemError } from './system-error.js'
import { small, type Verb } from './verbs.js'

/** A fault of the protocol. */
export interface Mutant {
  readonly name: string
  readonly scenario: Scenario
  /** What is changed in the scenario: operations that are altered, or a store that is. */
  readonly fault: Partial<Scenario>
  /** How it shows: what is wrong, or which exception is needed that is not needed without it. */
  readonly shows: RegExp
}

/** Does something else than one effect; what it returns or throws is the answer to it. */
export type Rule = (effect: Effect) => Operation<unknown>

/** What a rule does with effects that are not its matter. */
export function* plainly(effect: Effect): Operation<unknown> {
  return yield effect
}

/** Alters an operation by a rule, which is new for each. */
export function altering(ruleOf: () => Rule): Mutate {
  return function* (operation) {
    const rule = ruleOf()
    let step = operation.next()
    while (step.done !== true) {
      let answer: unknown
      try {
        answer = yield* rule(step.value)
      } catch (error) {
        step = operation.throw(error)
        continue
      }
      step = operation.next(answer)
    }
    return step.value
  }
}

/** Alters those effects for which `alters` holds. */
export function where(
  alters: (effect: Effect) => boolean,
  rule: Rule,
): { readonly mutate: Mutate } {
  return { mutate: altering(() => (effect) => (alters(effect) ? rule(effect) : plainly(effect))) }
}

/** Does an effect, whether it fails or not. */
export function* quietly(effect: Effect): Operation<void> {
  try {
    yield effect
  } catch {
    // What it was good for does not matter to a fault.
  }
}

/** An effect. */
export const ask = (call: string, ...values: readonly unknown[]): Effect => ({ call, values })
/** What most effects are about. */
export const first = ({ values }: Effect): string => String(values[0])
/** The new name, where there are two. */
export const second = ({ values }: Effect): string => String(values[1])
const isObject = (path: string): boolean => /\/[0-9a-f]{60}$/.test(path)
const isShard = (path: string): boolean => /^\/s\/[0-9a-f]{2}\/[0-9a-f]{2}$/.test(path)
/** Effects of one kind, on certain paths. */
export const on = (call: string, test: (path: string) => boolean) => (effect: Effect) =>
  effect.call === call && test(first(effect))

/** Answers that there is no such name. */
// eslint-disable-next-line require-yield -- it answers without asking
export function* absent(effect: Effect): Operation<never> {
  throw systemError(new Failure('ENOENT'), effect.call, first(effect))
}

/** Answers that it is done. */
// eslint-disable-next-line require-yield -- it answers without asking
export function* nothing(): Operation<undefined> {
  return undefined
}

/** Leaves out flushes of what was opened by certain paths. */
export function withoutFlush(isLeftOut: (path: string) => boolean): { readonly mutate: Mutate } {
  const ruleOf = (): Rule => {
    const paths = new Map<unknown, string>()
    return function* (effect) {
      if (effect.call === 'fsync' && isLeftOut(paths.get(effect.values[0]) ?? '')) return undefined
      const answer = yield* plainly(effect)
      if (effect.call === 'open') paths.set(answer, first(effect))
      return answer
    }
  }
  return { mutate: altering(ruleOf) }
}

function* unlinkFirst(effect: Effect): Operation<unknown> {
  yield* quietly(ask('unlink', second(effect)))
  return yield effect
}

function* checkThenRename({ values: [from, to] }: Effect): Operation<unknown> {
  try {
    yield ask('lstat', to)
  } catch {
    return yield ask('rename', from, to)
  }
  throw systemError(new Failure('EEXIST'), 'link', String(from), String(to))
}

function* linkThenUnlink({ values: [from, to] }: Effect): Operation<unknown> {
  yield ask('link', from, to)
  yield* quietly(ask('unlink', from))
  return undefined
}

function* removeShardToo(effect: Effect): Operation<unknown> {
  yield effect
  yield* quietly(ask('rmdir', first(effect).slice(0, -61)))
  return undefined
}

function* dropAside(effect: Effect): Operation<unknown> {
  yield ask('unlink', first(effect))
  throw systemError(new Failure('ENOENT'), 'rename', first(effect))
}

function* unlinkByName(effect: Effect): Operation<unknown> {
  return yield ask('unlink', first(effect))
}

/** A file whose inode number is another each time, so that it is never recognised. */
export function unrecognised(): { readonly mutate: Mutate } {
  let last = 0n
  return where(
    ({ call, values }) => call === 'lstat' && values.length > 1,
    function* (effect) {
      last += 1n
      return { ...((yield effect) as object), ino: last }
    },
  )
}

/** Times as a sweep must not take them: of the server's clock, or of others' private names. */
function wrongTimes(whose: 'probe' | 'others'): Partial<Scenario> {
  const ruleOf = (): Rule => {
    let probe = ''
    return function* (effect) {
      if (effect.call === 'mkdir') probe = first(effect)
      const answer = yield* plainly(effect)
      if (effect.call !== 'lstat' || !isPrivate(first(effect))) return answer
      const isProbe = first(effect) === probe
      if (isProbe !== (whose === 'probe')) return answer
      return { ...(answer as object), mtimeMs: isProbe ? START_MS * 10 : 0 }
    }
  }
  return { mutate: altering(ruleOf) }
}

const READ: Verb = { kind: 'read', key: KEY }
const TAKE: Verb = { kind: 'take', key: KEY }
const REMOVE: Verb = { kind: 'remove', key: KEY }
const SWEEP: Verb = { kind: 'sweep', graceMs: 5 }
const write = (id: string): Verb => ({ kind: 'write', key: KEY, value: small(id) })
const add = (id: string): Verb => ({ kind: 'add', key: KEY, value: small(id) })

/** What is said of a history that cannot be. */
export const UNEXPLAINED = /no order of what happened explains/
/** What is said of what a power cut must not leave. */
export const CUT = /after a power cut here/
const FAILED = / failed: /

const onNfs = { place: 'nfs4' } as const
const isOuter = (path: string): boolean => path === MOUNT_POINT || /^\/s\/..$/.test(path)
const isPublishing = (effect: Effect): boolean =>
  effect.call === 'rename' && isObject(second(effect))

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a miss is believed without proof',
    scenario: scenario([[READ], [write('A')]]),
    fault: where(on('lstat', isObject), absent),
    shows: UNEXPLAINED,
  },
  {
    name: 'the old object is unlinked before the new one is renamed',
    scenario: scenario([[READ], [write('A')]]),
    fault: where(isPublishing, unlinkFirst),
    shows: UNEXPLAINED,
  },
  {
    name: 'the file is not flushed',
    scenario: scenario([[write('A')]], { powerCut: 'one' }),
    fault: withoutFlush(isPrivate),
    shows: CUT,
  },
  {
    name: 'the shard directory is not flushed',
    scenario: scenario([[write('A'), READ]], { powerCut: 'one' }),
    fault: withoutFlush(isShard),
    shows: CUT,
  },
  {
    name: 'the shard directory is not flushed after a removal',
    scenario: scenario([[REMOVE, READ]], { powerCut: 'one' }),
    fault: withoutFlush(isShard),
    shows: CUT,
  },
  {
    name: 'the parents of new directories are not flushed',
    scenario: scenario([[write('A'), READ]], { initial: ABSENT, powerCut: 'per directory' }),
    fault: withoutFlush(isOuter),
    shows: CUT,
  },
  {
    name: 'private names are shared',
    scenario: scenario([[write('A'), READ], [write('B')]], { everyStep: true }),
    fault: { sameRandomIds: true },
    shows: /failed|unreadable|explains/,
  },
  {
    name: 'directories are believed without being revalidated',
    scenario: scenario([[write('A')], [READ]], { ...onNfs, pinned: true, setup: [[1, READ]] }),
    fault: { fresh: false },
    shows: UNEXPLAINED,
  },
  {
    name: 'only the shard directory is revalidated',
    scenario: scenario([[write('A')], [READ]], { ...onNfs, initial: ABSENT, setup: [[1, READ]] }),
    fault: where(({ call, values }) => call === 'open' && isOuter(String(values[0])), absent),
    shows: UNEXPLAINED,
  },
  {
    name: 'add checks, then renames',
    scenario: scenario([[add('A')], [add('B')]], { initial: ABSENT }),
    fault: where((effect) => effect.call === 'link' && isObject(second(effect)), checkThenRename),
    shows: /explains|clean-up failed/,
  },
  {
    name: 'take links, then unlinks',
    scenario: scenario([[TAKE], [TAKE]]),
    fault: where(on('rename', isObject), linkThenUnlink),
    shows: UNEXPLAINED,
  },
  {
    name: 'add does not recognise its own file',
    scenario: scenario([[add('A')]], { ...onNfs, initial: ABSENT, faults: { lostReplies: 1 } }),
    fault: unrecognised(),
    shows: /^add unsure/,
  },
  {
    name: 'take does not look whether its rename was done',
    scenario: scenario([[TAKE]], { ...onNfs, faults: { lostReplies: 1 } }),
    fault: where(on('lstat', isPrivate), absent),
    shows: /left private names/,
  },
  {
    name: 'a name that NFS is just replacing is not waited for',
    scenario: scenario([], {
      ...onNfs,
      cast: [
        { host: 0, programs: [[write('A')], [READ]] },
        { host: 1, programs: [[READ]] },
      ],
    }),
    fault: where(on('readdir', isShard), function* (effect) {
      yield effect
      return []
    }),
    shows: /^gap/,
  },
  {
    name: 'the error of a close is not believed',
    scenario: scenario([[write('A')]], { faults: { errors: 1 } }),
    fault: where(({ call }) => call === 'close', quietly),
    shows: UNEXPLAINED,
  },
  {
    name: 'a shard directory is removed with its last object',
    scenario: scenario([[REMOVE], [write('A')]]),
    fault: where(on('unlink', isObject), removeShardToo),
    shows: FAILED,
  },
  {
    name: 'an expired object is removed by its name',
    scenario: scenario([[SWEEP], [write('A')]], { initial: EXPIRED }),
    fault: where((effect) => second(effect).endsWith('.live'), unlinkByName),
    shows: UNEXPLAINED,
  },
  {
    name: 'what was moved aside is not put back',
    scenario: scenario([[SWEEP], [write('A')]], { initial: EXPIRED }),
    fault: where(
      (effect) =>
        effect.call === 'link' && isPrivate(first(effect)) && first(effect).endsWith('.live'),
      nothing,
    ),
    shows: UNEXPLAINED,
  },
  {
    name: 'a sweep drops what a crash left aside',
    scenario: scenario([[SWEEP], [write('A')]], {
      initial: EXPIRED,
      faults: { kills: 1 },
      endsWithSweep: true,
    }),
    fault: where(
      (effect) => effect.call === 'rename' && first(effect).endsWith('.live'),
      dropAside,
    ),
    shows: UNEXPLAINED,
  },
  {
    name: 'a sweep goes by the clock of its own host',
    scenario: scenario([[write('A')], [SWEEP]], { everyStep: true }),
    fault: wrongTimes('probe'),
    shows: FAILED,
  },
  {
    name: 'a sweep does not ask who is alive',
    scenario: scenario([[TAKE], [SWEEP]], { everyStep: true }),
    fault: wrongTimes('others'),
    shows: /failed/,
  },
  {
    name: 'an object that is expired by the clock is returned',
    scenario: scenario([[READ]], { initial: EXPIRED }),
    fault: { aheadMs: [-START_MS] },
    shows: UNEXPLAINED,
  },
]

/** The fault that walks are tried with: an object is unlinked before it is replaced. */
export const UNLINKING_FIRST = where(isPublishing, unlinkFirst)
