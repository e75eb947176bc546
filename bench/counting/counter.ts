import { now } from '../clock.js'

/** Something that counts: it reads a number that others share, adds one and writes it. */
export interface Counter {
  /** Adds one again and again until a time of the {@link now} clock, at least once. */
  addUntil(endMs: number): Promise<Tally>
  /** What has been counted, by all. */
  read(): Promise<number>
  close(): Promise<void>
}

/** What one of them did. */
export interface Tally {
  /** How many increments were acknowledged. */
  readonly added: number
  /** What was said where none was: these may have been made or not. */
  readonly failures: readonly string[]
}

/** A counter that adds one by a call. */
export function counterOf(
  add: () => unknown,
  read: () => Promise<number> | number,
  close: () => unknown = () => undefined,
): Counter {
  const addUntil = async (endMs: number): Promise<Tally> => {
    let added = 0
    const failures: string[] = []
    do {
      try {
        await add()
        added += 1
      } catch (error) {
        failures.push(String(error))
      }
    } while (now() < endMs)
    return { added, failures }
  }
  return {
    addUntil,
    read: async () => await read(),
    close: async () => {
      await close()
    },
  }
}

/** The value after the one that is stored. */
export function nextOf(stored: Buffer | string | undefined): string {
  return String(valueOf(stored) + 1)
}

/** The number that is stored. */
export function valueOf(stored: Buffer | string | undefined): number {
  return Number(String(stored ?? 0))
}
