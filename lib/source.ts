import { crc32 } from 'node:zlib'
import type { Operation } from './drivers/effects.js'

/** The value of a write, as the protocol takes it. */
export interface Source {
  /** All of the value, where it is in memory. */
  readonly bytes: Uint8Array | undefined
  /** Whether the caller still holds `bytes` and could change them while they are written. */
  readonly shared: boolean
  /** The crc32 of a shared value when it was given: only what matches it is published. */
  readonly givenCrc?: number
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
    ...(shared && { givenCrc: crc32(bytes) }),
    // eslint-disable-next-line require-yield -- it has no pieces, so nothing to wait for
    *next() {
      return undefined
    },
    cancel: () => undefined,
  }
}
