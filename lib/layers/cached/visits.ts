import { Turns } from '../../coordination/turns.js'
import { orAbort } from '../../drivers/abort.js'

/**
 * Who in this process is at work on which key. The cache of a key is changed by one at a time, and
 * a reader keeps there what it has found only if nobody has begun to change that key meanwhile:
 * else it might put an old value over a newer one.
 */
export class Visits {
  readonly #byKey = new Map<string, Place>()
  readonly #turns = new Turns()

  /** Begins a read, which can ask whether the key is still as it was then. */
  async reading<T>(key: string, read: (isUnchanged: () => boolean) => Promise<T>): Promise<T> {
    const place = this.#enter(key)
    const { changes } = place
    try {
      return await read(() => place.changing === 0 && place.changes === changes)
    } finally {
      this.#leave(key, place)
    }
  }

  /** Begins a change, which can ask whether no other one was under way at any time since. */
  async changing<T>(key: string, change: (isAlone: () => boolean) => Promise<T>): Promise<T> {
    const place = this.#enter(key)
    place.changing += 1
    place.changes += 1
    const { changes } = place
    try {
      return await change(() => place.changing === 1 && place.changes === changes)
    } finally {
      place.changing -= 1
      // What began while it was under way may have found the state before it.
      place.changes += 1
      this.#leave(key, place)
    }
  }

  /** Does something to the cache of a key, alone. */
  inTurn<T>(key: string, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    return inTurn(this.#turns, key, signal, act)
  }

  #enter(key: string): Place {
    const place = this.#byKey.get(key) ?? { visitors: 0, changing: 0, changes: 0 }
    this.#byKey.set(key, place)
    place.visitors += 1
    return place
  }

  #leave(key: string, place: Place): void {
    place.visitors -= 1
    if (place.visitors === 0) this.#byKey.delete(key)
  }
}

/** Does something when its turn comes; an abort ends the wait. */
export async function inTurn<T>(
  turns: Turns,
  name: string,
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T> {
  const turn = turns.take(name)
  try {
    await orAbort(turn, signal)
    return await act()
  } finally {
    void turn.then((end) => end())
  }
}

interface Place {
  visitors: number
  changing: number
  changes: number
}
