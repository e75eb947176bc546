import * as nodeFs from 'node:fs'
import type { lstatSync, Stats } from 'node:fs'
import { publishNotice } from '../diagnostics.js'
import type { Effect, Operation } from './effects.js'
import { observed, type Counts } from './observed.js'

type SyncCall = (...values: readonly unknown[]) => unknown

/** Runs operations to their end at once, with the `…Sync` functions of a file system. */
export class SyncDriver {
  readonly #fs: Readonly<Record<string, SyncCall | undefined>>
  /** By the name of the effect. */
  readonly #calls = new Map<string, SyncCall>()

  /** @param fs - `node:fs`, or anything with the same `…Sync` functions */
  constructor(fs: object = nodeFs) {
    this.#fs = fs as Readonly<Record<string, SyncCall | undefined>>
  }

  /** The one call that is made without an operation around it: see recall in cached-read.ts. */
  lstat(path: string, options?: { readonly bigint: true }): Stats {
    return (this.#fs['lstatSync'] as typeof lstatSync)(path, options) as Stats
  }

  /**
   * Runs an operation to its end.
   *
   * @param counts - where it is counted, if anybody wants to know
   */
  run<T>(operation: Operation<T>, counts?: Counts): T {
    const task = counts === undefined ? operation : observed(operation, counts)
    let step = task.next()
    while (step.done !== true) {
      let result: unknown
      let failure: unknown
      let failed = false
      try {
        result = this.#perform(step.value)
      } catch (error) {
        failed = true
        failure = error
      }
      step = failed ? task.throw(failure) : task.next(result)
    }
    return step.value
  }

  #perform({ call, values }: Effect): unknown {
    switch (call) {
      case 'checkpoint':
        return undefined
      case 'pull':
        return pullNow(values[0] as Iterator<unknown>)
      case 'pause':
        return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, values[0] as number)
      case 'background':
        return this.#runQuietly(values[0] as Operation<void>)
      default:
        return (this.#calls.get(call) ?? this.#find(call))(...values)
    }
  }

  #find(call: string): SyncCall {
    const found = this.#fs[`${call}Sync`]
    if (found === undefined) throw new TypeError(`the file system has no ${call}Sync`)
    this.#calls.set(call, found)
    return found
  }

  #runQuietly(operation: Operation<void>): void {
    try {
      this.run(operation)
    } catch (error) {
      publishNotice('clean-up failed', error)
    }
  }
}

function pullNow(iterator: Iterator<unknown>): IteratorResult<unknown> {
  const result = iterator.next()
  if (result instanceof Promise) {
    result.catch(() => undefined)
    throw new TypeError('a synchronous store takes bytes or a synchronous iterable, not a stream')
  }
  return result
}
