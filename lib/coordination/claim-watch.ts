/** What is seen of a claim. */
export interface SeenClaim {
  /** New for each claim. */
  readonly claim: string
  /** How often its lease was extended. */
  readonly beat: number
  readonly leaseMs: number
}

/** Looks at claims this many times in the shortest of their leases. */
const LOOKS_PER_LEASE = 4
const MIN_LOOK_MS = 25
const MAX_LOOK_MS = 10_000

/** Tells by this process's own clock which claims have not changed for as long as their lease. */
export class ClaimWatch {
  /** Names of claims, and when each was first seen. */
  #seen = new Map<string, number>()
  readonly #ownLeaseMs: number
  #nextLookMs = -Infinity

  constructor(ownLeaseMs: number) {
    this.#ownLeaseMs = ownLeaseMs
  }

  /** Whether it is time to look. */
  isDue(nowMs: number): boolean {
    return this.dueInMs(nowMs) <= 0
  }

  /** How long until it is time to look. */
  dueInMs(nowMs: number): number {
    return this.#nextLookMs - nowMs
  }

  /**
   * Takes in what is claimed; returns what was abandoned. A name was there when the look at it
   * ended, for the first time, and again when the last look began: so long at least.
   */
  see<T extends SeenClaim>(names: readonly T[], beganMs: number, endedMs: number): T[] {
    const seen = new Map<string, number>()
    const abandoned: T[] = []
    let shortestMs = this.#ownLeaseMs
    for (const name of names) {
      const text = `${name.claim}.${name.beat}`
      const sinceMs = this.#seen.get(text) ?? endedMs
      seen.set(text, sinceMs)
      shortestMs = Math.min(shortestMs, name.leaseMs)
      if (beganMs - sinceMs >= name.leaseMs) abandoned.push(name)
    }
    this.#seen = seen
    const lookMs = Math.min(Math.max(shortestMs / LOOKS_PER_LEASE, MIN_LOOK_MS), MAX_LOOK_MS)
    this.#nextLookMs = endedMs + lookMs
    return abandoned
  }
}
