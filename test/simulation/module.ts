/**
 * The simulated file system as a module with the callback functions of `node:fs`, for stores that
 * are opened the usual way (option `fs`). Calls that are under way at the same time take their
 * steps in an order drawn by chance, those of one host like those of several.
 */
import { setImmediate as later } from 'node:timers'
import type { Mount, Steps } from './mount.js'
import { Failure, systemError } from './system-error.js'
import { MOUNT_POINT, SystemCalls } from './system-calls.js'

/** What the drivers may ask of a file system. */
const CALLS = [
  ...['open', 'close', 'read', 'write', 'writev', 'fsync', 'fchmod', 'chmod', 'fstat', 'lstat'],
  ...['access', 'statfs', 'link', 'unlink', 'rename', 'mkdir', 'rmdir', 'readdir'],
] as const

type Callback = (error: unknown, result?: unknown) => void

/** Steps under way, of which chance takes the next. */
class Shuffle {
  readonly #waiting: (() => void)[] = []
  readonly #chance: () => number

  constructor(chance: () => number) {
    this.#chance = chance
  }

  /** Does it at some later turn of the event loop. */
  add(step: () => void): void {
    this.#waiting.push(step)
    later(() => {
      const [next] = this.#waiting.splice(Math.floor(this.#chance() * this.#waiting.length), 1)
      next?.()
    })
  }
}

/**
 * The callback functions of `node:fs` on a mount, whose root is {@link MOUNT_POINT}.
 *
 * @param chance - from 0 up to, but not including, 1: which call takes the next step
 */
export function simulatedModule(mount: Mount, chance: () => number): object {
  const calls = new SystemCalls(mount)
  const shuffle = new Shuffle(chance)
  const { fileSystem } = mount
  const begin = (call: string, values: readonly unknown[]): Steps<unknown> => {
    fileSystem.tracksTimes = true
    fileSystem.nowMs = Date.now()
    const [path] = values
    if (typeof path === 'string' && !path.startsWith(MOUNT_POINT)) {
      throw systemError(new Failure('ENOENT'), call, path)
    }
    return calls.perform({ call, values })
  }
  const perform = (call: string, values: readonly unknown[], done: Callback): void => {
    let steps: Steps<unknown> | undefined
    const advance = (): void => {
      let step: IteratorResult<number, unknown>
      try {
        steps ??= begin(call, values)
        step = steps.next()
      } catch (error) {
        done(error)
        return
      }
      if (step.done === true) done(null, step.value)
      else shuffle.add(advance)
    }
    shuffle.add(advance)
  }
  return Object.fromEntries(
    CALLS.map((call) => [
      call,
      (...values: unknown[]) => perform(call, values.slice(0, -1), values.at(-1) as Callback),
    ]),
  )
}
