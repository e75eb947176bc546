import type { Operation } from './drivers/effects.js'

/** The value of a write, as the protocol takes it. */
export interface Source {
  /** All of the value, where it is in memory. */
  readonly bytes: Uint8Array | undefined
  /**
   * Whether the caller still holds `bytes` and could change them while they are written. Such a
   * value is compared with what was written before it is published.
   */
  readonly shared: boolean
  /** The next piece of a value that is not in memory; undefined at its end. */
  next(): Operation<Uint8Array | undefined>
  /** Called if the write fails: whoever makes the pieces can stop. */
  cancel(reason: unknown): void
}

/** A value in memory. */
export function bytesSource(bytes: Uint8Array, shared: boolean): Source {
  return {
    bytes,
    shared,
    // eslint-disable-next-line require-yield -- it has no pieces, so nothing to wait for
    *next() {
      return undefined
    },
    cancel: () => undefined,
  }
}
