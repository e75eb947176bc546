import { keyOf } from './load.js'
import type { Arena, Contestant, Cost, Load, Operation, Subject } from './subject.js'

/** How many calls a synchronous subject makes between two looks at the clock, at most. */
const MAX_UNWATCHED = 64
const UNWATCHED_MS = 0.1
/** How many calls are under way where that is not what is measured. */
const LANES = 16
/** How many of the values that were written under new keys are read back. */
const MAX_REMEMBERED = 64
/** New keys never meet the others. */
const FIRST_NEW = 50_000_000

/**
 * Lets a subject work on an arena, by calls of this process. Each value that is read is compared
 * with what must be there.
 */
export async function contestant(
  name: string,
  subject: Subject,
  { load, isFilled }: Arena,
  isSync: (operation: Operation) => boolean,
): Promise<Contestant> {
  const calls = new Calls(name, subject, load)
  if (!isFilled) await calls.fill()
  return {
    measure: (operation, inFlight, durationMs) =>
      isSync(operation)
        ? Promise.resolve(calls.repeat(operation, durationMs))
        : calls.overlap(operation, inFlight, durationMs),
    check: () => calls.check(),
    close: async () => {
      await subject.close()
    },
  }
}

/** What one subject is asked. */
class Calls {
  readonly #name: string
  readonly #subject: Subject
  readonly #load: Load
  readonly #expected: Buffer[]
  readonly #versions: number[]
  readonly #added = new Map<string, Buffer>()
  #next = 0
  #new = FIRST_NEW

  constructor(name: string, subject: Subject, load: Load) {
    this.#name = name
    this.#subject = subject
    this.#load = load
    this.#expected = load.keys.map((_, at) => load.value(at, 0))
    this.#versions = load.keys.map(() => 0)
  }

  async fill(): Promise<void> {
    const all = this.#load.keys.map((key, at) => [key, this.#load.value(at, 0)] as const)
    if (this.#subject.fill === undefined) {
      await inLanes(all.values(), ([key, value]) => this.#subject.set(key, value))
    } else {
      await this.#subject.fill(all)
    }
  }

  /** One call after the other, none of which is waited for. */
  repeat(operation: Operation, durationMs: number): Cost {
    const call = this.#caller(operation)
    const count = this.#load.keys.length
    let unwatched = 1
    let calls = 0
    let elapsedMs = 0
    const startMs = performance.now()
    do {
      for (let index = 0; index < unwatched; index += 1) {
        call(this.#next)
        this.#next = (this.#next + 1) % count
      }
      calls += unwatched
      const lastMs = elapsedMs
      elapsedMs = performance.now() - startMs
      if (elapsedMs - lastMs < UNWATCHED_MS) unwatched = Math.min(2 * unwatched, MAX_UNWATCHED)
    } while (elapsedMs < durationMs)
    return { amount: elapsedMs * 1000, calls }
  }

  /** So many calls under way all the time. */
  async overlap(operation: Operation, inFlight: number, durationMs: number): Promise<Cost> {
    const call = this.#caller(operation)
    const count = this.#load.keys.length
    const base = this.#next
    let calls = 0
    const startMs = performance.now()
    const lane = async (first: number): Promise<void> => {
      // Lanes never meet at a key.
      let at = (base + first) % count
      do {
        await call(at)
        calls += 1
        at = (at + inFlight) % count
      } while (performance.now() - startMs < durationMs)
    }
    await Promise.all(Array.from({ length: inFlight }, (_, first) => lane(first)))
    const elapsedMs = performance.now() - startMs
    this.#next = (base + Math.ceil(calls / inFlight) * inFlight) % count
    return { amount: elapsedMs * 1000, calls }
  }

  async check(): Promise<void> {
    const held = this.#expected.map((value, at) => [this.#key(at), value] as const)
    await inLanes([...held, ...this.#added].values(), async ([key, expected]) =>
      this.#compare(await this.#subject.get(key), expected, key),
    )
    this.#added.clear()
  }

  #caller(operation: Operation): (at: number) => unknown {
    if (operation === 'get') return (at) => this.#get(at)
    if (operation === 'get, absent') return (at) => this.#miss(at)
    if (operation === 'set, overwriting') return (at) => this.#overwrite(at)
    return (at) => this.#add(at)
  }

  #get(at: number): unknown {
    const value = this.#subject.get(this.#key(at))
    const expected = this.#expected[at] as Buffer
    // Whoever answers at once is not to wait for a promise.
    if (!(value instanceof Promise)) return this.#compare(value, expected, this.#key(at))
    return value.then((read) => this.#compare(read, expected, this.#key(at)))
  }

  #miss(at: number): unknown {
    const key = `${this.#key(at)}-absent`
    const value = this.#subject.get(key)
    if (!(value instanceof Promise)) return this.#requireAbsent(value, key)
    return value.then((read) => this.#requireAbsent(read, key))
  }

  #overwrite(at: number): unknown {
    const version = (this.#versions[at] ?? 0) + 1
    const value = this.#load.value(at, version)
    this.#versions[at] = version
    this.#expected[at] = value
    return this.#subject.set(this.#key(at), value)
  }

  #add(at: number): unknown {
    const key = keyOf((this.#new += 1))
    const value = this.#load.value(at, this.#new)
    if (this.#added.size < MAX_REMEMBERED) this.#added.set(key, value)
    return this.#subject.set(key, value)
  }

  #key(at: number): string {
    return this.#load.keys[at] ?? ''
  }

  #compare(value: Buffer | undefined, expected: Buffer, key: string): void {
    if (value?.equals(expected) === true) return
    throw new Error(`${this.#name} returned another value than was stored under ${key}`)
  }

  #requireAbsent(value: Buffer | undefined, key: string): void {
    if (value === undefined) return
    throw new Error(`${this.#name} returned a value for ${key}, which it never was given`)
  }
}

/** Does something with each of many, several at a time. */
async function inLanes<T>(all: IterableIterator<T>, act: (each: T) => unknown): Promise<void> {
  const lane = async (): Promise<void> => {
    for (const each of all) await act(each)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}
