/** Lets those of one process who want the same thing have it one after the other, in order. */
export class Turns {
  /** For each name, the end of the last turn that was given out. */
  readonly #ends = new Map<string, Promise<void>>()

  /** Waits for its turn; returns what ends it. */
  async take(name: string): Promise<() => void> {
    const before = this.#ends.get(name)
    let end = (): void => undefined
    const mine = new Promise<void>((resolve) => (end = resolve))
    const last = (before ?? Promise.resolve()).then(() => mine)
    this.#ends.set(name, last)
    void last.then(() => {
      if (this.#ends.get(name) === last) this.#ends.delete(name)
    })
    await before
    return end
  }
}
