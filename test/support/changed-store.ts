import { StoreError, type ObjectStore, type Supports } from '../../index.js'

/** What becomes of the call at which a {@link Fuse} blows. */
export type Blow =
  /** The process dies before the call is made; no later one is made. */
  | 'dies before'
  /** The process dies when it was made; no later one is made. */
  | 'dies after'
  /** It is not made and fails; the process goes on. */
  | 'fails before'
  /** It is made and its reply lost; the process goes on. */
  | 'fails after'

/** Blows at one of the calls of any number of stores, by their number from 0. */
export class Fuse {
  readonly #at: number
  readonly #blow: Blow
  #calls = 0
  #isDead = false

  constructor(at: number, blow: Blow) {
    this.#at = at
    this.#blow = blow
  }

  /** Whether it came to the call at all. */
  get hasBlown(): boolean {
    return this.#calls > this.#at
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw lost()
    const isNow = this.#calls === this.#at
    this.#calls += 1
    if (!isNow) return await call()
    this.#isDead = this.#blow.startsWith('dies')
    if (this.#blow.endsWith('after')) await call()
    throw lost()
  }
}

function lost(): StoreError {
  return new StoreError('UNAVAILABLE', 'the fuse has blown')
}

/** A store whose calls go through a fuse. */
export function fused(
  inner: ObjectStore,
  fuse: Fuse,
  supports: Supports = inner.supports,
): ObjectStore {
  return changed(inner, {
    supports,
    read: (...given) => fuse.run(() => inner.read(...given)),
    stat: (...given) => fuse.run(() => inner.stat(...given)),
    write: (...given) => fuse.run(() => inner.write(...given)),
    remove: (...given) => fuse.run(() => inner.remove(...given)),
    take: (...given) => fuse.run(() => inner.take(...given)),
  })
}

/** A store of which a part is done in another way. */
export function changed(inner: ObjectStore, parts: Partial<ObjectStore>): ObjectStore {
  const { supports } = inner
  return {
    supports,
    read: (...given) => inner.read(...given),
    stat: (...given) => inner.stat(...given),
    write: (...given) => inner.write(...given),
    remove: (...given) => inner.remove(...given),
    take: (...given) => inner.take(...given),
    list: (...given) => inner.list(...given),
    close: () => inner.close(),
    ...parts,
  }
}
