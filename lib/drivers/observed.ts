/**
 * Operations that somebody watches: what they ask for, and what comes of it, is counted on the way.
 * Those that nobody watches do not pass through here.
 */
import { constants } from 'node:os'
import { countingRetries, type RetryCounts } from '../diagnostics.js'
import { isErrno } from '../errors.js'
import type { Effect, Operation } from './effects.js'

/** What is counted of an operation. */
export interface Counts {
  /** Bytes read from files, what lies around the values included. */
  bytesRead: number
  /** Bytes written to files, likewise. */
  bytesWritten: number
  /** Calls to the file system that it waited for. */
  calls: number
  /** Those of them that another thread made: a hop there and back. */
  hops: number
  readonly retries: RetryCounts
}

const { errno } = constants

/** What is no call to the file system. */
const OWN_EFFECTS: ReadonlySet<string> = new Set(['checkpoint', 'pull', 'pause', 'background'])

/** Whether an effect is a call to the file system. */
export function isCall({ call }: Effect): boolean {
  return !OWN_EFFECTS.has(call)
}

/** The same operation, counted. */
export function* observed<T>(operation: Operation<T>, counts: Counts): Operation<T> {
  const step = (answer: () => IteratorResult<Effect, T>): IteratorResult<Effect, T> =>
    countingRetries(counts.retries, answer)
  let next = step(() => operation.next())
  while (next.done !== true) {
    const effect = next.value
    if (isCall(effect)) counts.calls += 1
    let answer: unknown
    let failure: { readonly error: unknown } | undefined
    try {
      answer = yield effect
    } catch (error) {
      failure = { error }
    }
    if (failure === undefined) {
      countBytes(counts, effect, answer)
      next = step(() => operation.next(answer))
    } else {
      const { error } = failure
      if (isErrno(error, errno.ESTALE)) counts.retries.stale += 1
      next = step(() => operation.throw(error))
    }
  }
  return next.value
}

function countBytes(counts: Counts, { call }: Effect, answer: unknown): void {
  if (call === 'read') counts.bytesRead += answer as number
  else if (call === 'write' || call === 'writev') counts.bytesWritten += answer as number
}
