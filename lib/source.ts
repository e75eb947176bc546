import { crc32 } from 'node:zlib'
import type { Operation } from './drivers/effects.js'

/** The value of a write, as the protocol takes it. */
export interface Source {
  /** All of the value, where it is in memory. */
  readonly bytes: Uint8Array | undefined
  /** Whether the caller still holds `bytes` and could change them while they are written. */
  readonly shared: boolean
  /** The crc32 of a shared value when it was given: only what matches it is published. */
  readonly givenCrc?: number | undefined
  /** The next piece of a value that is not in memory; undefined at its end. */
  next(): Operation<Uint8Array | undefined>
  /** Called if the write fails: whoever makes the pieces can stop. */
  cancel(reason: unknown): void
}

/** A value in memory. */
export function bytesSource(bytes: Uint8Array, shared: boolean): Source {
  return new BytesSource(bytes, shared)
}

/** Refuses what is not the value that was given any more, by the crc32 of each. */
export function requireUnchanged(givenCrc: number, crc: number): void {
  if (givenCrc === crc) return
  throw new TypeError('the value was changed while it was written; nothing was stored')
}

/** A class, since a literal would make its functions anew for each value. */
class BytesSource implements Source {
  readonly bytes: Uint8Array
  readonly shared: boolean
  readonly givenCrc: number | undefined

  constructor(bytes: Uint8Array, shared: boolean) {
    this.bytes = bytes
    this.shared = shared
    this.givenCrc = shared ? crc32(bytes) : undefined
  }

  // eslint-disable-next-line require-yield -- it has no pieces, so nothing to wait for
  *next(): Operation<undefined> {
    return undefined
  }

  cancel(): void {
    // Nobody is at work on it.
  }
}
