import { abortError, unwatch, watch } from '../drivers/abort.js'
import { stoppedBy, type Opened } from './input.js'

/** What is done with the items of an input. */
export interface Work<T> {
  /** What its errors say has failed. */
  readonly operation: string
  /** How many items may be worked on at the same time. */
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
  /** The key an item is about; throws for what is no item. */
  readonly keyOf: (item: T) => string
  /** Works on one item. No two of one key are worked on at the same time. */
  readonly perform: (item: T) => Promise<unknown>
  /** Lets go of an item that was taken and will not be worked on. */
  readonly drop: (item: T) => void
}

/**
 * Takes items from an input as they can be worked on, never ahead: what was taken and is not done
 * is at most as many as may be worked on.
 *
 * The first failure, or an abort, ends it: nothing more is taken or begun, the input is closed,
 * what is under way comes to its end.
 */
export class Intake<T> {
  readonly #input: Opened<T>
  readonly #work: Work<T>
  readonly #underWay = new Set<string>()
  #done = 0
  #failure: { readonly error: unknown; readonly isOfCall: boolean } | undefined
  /** Lets the loop look again at what it waits for. */
  #wake = (): void => undefined
  /** Ends the wait for an item. */
  #interrupt = (): void => undefined

  constructor(input: Opened<T>, work: Work<T>) {
    this.#input = input
    this.#work = work
  }

  /** Works on all items; says how many there were. */
  async run(): Promise<number> {
    await this.#takeAll()
    await this.#until(() => this.#underWay.size === 0)
    if (this.#failure === undefined) return this.#done
    const { error, isOfCall } = this.#failure
    throw isOfCall ? stoppedBy(error, this.#work.operation, this.#done) : error
  }

  async #takeAll(): Promise<void> {
    const { concurrency } = this.#work
    for (;;) {
      await this.#until(() => this.#hasStopped() || this.#underWay.size < concurrency)
      if (this.#hasStopped()) return await this.#close()
      const taken = await this.#take()
      if (taken === undefined) return
      await this.#begin(taken.item)
    }
  }

  async #begin(item: T): Promise<void> {
    let key: string
    try {
      key = this.#work.keyOf(item)
    } catch (error) {
      this.#fail(error, false)
      return
    }
    await this.#until(() => this.#hasStopped() || !this.#underWay.has(key))
    if (this.#hasStopped()) this.#work.drop(item)
    else void this.#perform(key, item)
  }

  async #perform(key: string, item: T): Promise<void> {
    this.#underWay.add(key)
    try {
      await this.#work.perform(item)
      this.#done += 1
    } catch (error) {
      this.#fail(error, true)
    }
    this.#underWay.delete(key)
    this.#wake()
  }

  /** The next item; undefined where there is none, and where it is not waited for any more. */
  async #take(): Promise<{ readonly item: T } | undefined> {
    const { isAsync, iterator } = this.#input
    try {
      const result = isAsync ? await this.#answer(iterator.next()) : iterator.next()
      if (result === undefined) {
        // Not awaited: a generator in the middle of a step that never ends would never answer.
        void this.#close()
        this.#hasStopped()
        return undefined
      }
      return result.done === true ? undefined : { item: result.value }
    } catch (error) {
      this.#fail(error, false)
      return undefined
    }
  }

  /** Waits for an item, unless a failure or an abort ends the wait. */
  async #answer(next: Promise<IteratorResult<T>>): Promise<IteratorResult<T> | undefined> {
    const { signal, drop } = this.#work
    let isAbandoned = false
    const answered = new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
      this.#interrupt = () => {
        isAbandoned = true
        resolve(undefined)
      }
      Promise.resolve(next).then((result) => {
        if (!isAbandoned) resolve(result)
        else if (result.done !== true) drop(result.value)
      }, reject)
    })
    const interrupt = this.#interrupt
    if (this.#hasStopped()) interrupt()
    if (signal !== undefined) watch(signal, interrupt)
    try {
      return await answered
    } finally {
      if (signal !== undefined) unwatch(signal, interrupt)
      this.#interrupt = () => undefined
    }
  }

  async #close(): Promise<void> {
    try {
      await this.#input.iterator.return?.()
    } catch {
      // There is a failure already, and only one can be told.
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  /** Whether it has failed. What fails after an abort is not asked why. */
  #hasStopped(): boolean {
    const { signal } = this.#work
    if (signal?.aborted === true) this.#failure ??= { error: abortError(signal), isOfCall: true }
    return this.#failure !== undefined
  }

  #fail(error: unknown, isOfCall: boolean): void {
    if (!this.#hasStopped()) this.#failure = { error, isOfCall }
    this.#interrupt()
  }
}
