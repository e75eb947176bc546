/**
 * Who is at work on which key, in one process. A reader keeps what it has found only if nobody has
 * begun to change that key meanwhile: else it might put an old value over a newer one.
 */
export class Visits {
  readonly #byKey = new Map<string, Place>()

  /** Begins a read; returns whether the key is still as it was then, and what ends it. */
  async reading<T>(key: string, read: (isUnchanged: () => boolean) => Promise<T>): Promise<T> {
    const place = this.#enter(key)
    const { changes } = place
    try {
      return await read(() => place.changes === changes)
    } finally {
      this.#leave(key, place)
    }
  }

  /** Begins a change. */
  async changing<T>(key: string, change: () => Promise<T>): Promise<T> {
    const place = this.#enter(key)
    place.changes += 1
    try {
      return await change()
    } finally {
      // What began while it was under way may have found the state before it.
      place.changes += 1
      this.#leave(key, place)
    }
  }

  #enter(key: string): Place {
    const place = this.#byKey.get(key) ?? { visitors: 0, changes: 0 }
    this.#byKey.set(key, place)
    place.visitors += 1
    return place
  }

  #leave(key: string, place: Place): void {
    place.visitors -= 1
    if (place.visitors === 0) this.#byKey.delete(key)
  }
}

interface Place {
  visitors: number
  changes: number
}
