/** Counts the calls that a mount sends to its NFS server, as the kernel tells them. */
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

/** How many calls of each kind there were. */
export type RpcCounts = Readonly<Record<string, number>>

const SETTLE_MS = 10
const MAX_SAMPLES = 6
/** What the client adds on its own, and how 4.1 and 4.2 call the opening of a file they know. */
const NAMES: ReadonlyMap<string, string | undefined> = new Map([
  ['OPEN_NOATTR', 'OPEN'],
  ['READDIRPLUS', 'READDIR'],
  ['SEQUENCE', undefined],
  ['RENEW', undefined],
])
/** Roughly the order in which a verb makes them. */
const ORDER = [
  ...['GETATTR', 'LOOKUP', 'MKDIR', 'CREATE', 'LINK', 'OPEN', 'ACCESS', 'LOCK', 'SETATTR'],
  ...['WRITE', 'READ', 'LOCKU', 'CLOSE', 'RENAME', 'READDIR', 'RMDIR', 'REMOVE'],
  ...['DELEGRETURN', 'FREE_STATEID'],
]

/** The counts of one mount. */
export class RpcCounter {
  readonly #mountPoint: string

  constructor(mountPoint: string) {
    this.#mountPoint = mountPoint
  }

  /** What a call costs, with all that it leaves for the background. */
  async count(call: () => unknown): Promise<RpcCounts> {
    const before = await this.#settled()
    await call()
    return difference(await this.#settled(), before)
  }

  /**
   * What a call costs twice. Now and then it differs by one: the client asks again for what it
   * has known too long.
   *
   * @param prepare - done before each call, and not counted
   */
  async measure(call: () => unknown, prepare: () => unknown): Promise<RpcCounts> {
    const found = new Map<string, RpcCounts>()
    for (let sample = 0; sample < MAX_SAMPLES; sample += 1) {
      await prepare()
      const counts = await this.count(call)
      const description = describeCounts(counts)
      if (found.has(description)) return counts
      found.set(description, counts)
    }
    throw new Error(`no two counts are alike: ${[...found.keys()].join('; ')}`)
  }

  async #settled(): Promise<RpcCounts> {
    let last = this.#read()
    for (;;) {
      await setTimeout(SETTLE_MS)
      const now = this.#read()
      if (totalOf(now) === totalOf(last)) return now
      last = now
    }
  }

  #read(): RpcCounts {
    const mounts = readFileSync('/proc/self/mountstats', 'utf8').split(/^device /m)
    const mount = mounts.find((text) => text.includes(` mounted on ${this.#mountPoint} `))
    if (mount === undefined) throw new Error(`nothing is mounted on ${this.#mountPoint}`)
    const counts: Record<string, number> = {}
    const perCall = mount.slice(mount.indexOf('per-op statistics'))
    for (const [, kind = '', count] of perCall.matchAll(/^\s*([A-Z_]+): (\d+)/gm)) {
      const name = NAMES.has(kind) ? NAMES.get(kind) : kind
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + Number(count)
    }
    return counts
  }
}

/** How many calls there were in all. */
export function totalOf(counts: RpcCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** What there is more in one than in another, divided among so many. */
export function difference(after: RpcCounts, before: RpcCounts, parts = 1): RpcCounts {
  const entries = Object.entries(after).map(([name, count]) => {
    return [name, (count - (before[name] ?? 0)) / parts] as const
  })
  return Object.fromEntries(entries.filter(([, count]) => count !== 0))
}

/** Counts in words, such as `2 GETATTR, REMOVE`. */
export function describeCounts(counts: RpcCounts): string {
  const names = Object.keys(counts).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
  return names.map((name) => (counts[name] === 1 ? name : `${counts[name]} ${name}`)).join(', ')
}
