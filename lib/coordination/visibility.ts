import { checkNumber } from '../options.js'

/** What is known of the file system that a lease is to be told by. */
export interface Visibility {
  /** Whether it is known to be one of this machine alone. */
  readonly isLocal: boolean
  /** Whether directories are revalidated before they are believed. */
  readonly fresh: boolean
}

/** As far as a timer goes: some 24 days. */
const MAX_LEASE_MS = 2 ** 31 - 1

/** A call on a local disk under load takes some ms; a lease must outlast a few. */
const MIN_LOCAL_MS = 100
/** The same over a network, with a retransmission or a slow server in between. */
const MIN_SHARED_MS = 1000
/** An NFS client that is not made to ask may believe what it remembers for up to a minute. */
const MIN_REMEMBERED_MS = 120_000

/**
 * A lease in milliseconds, as given in an option.
 *
 * @throws RangeError when others would hear of its renewal too late to trust it
 */
export function checkLease(facts: Visibility, name: string, value: unknown): number {
  const leaseMs = checkNumber(name, value, 1, MAX_LEASE_MS)
  const [leastMs, why] = leastLease(facts)
  if (leaseMs >= leastMs) return Math.ceil(leaseMs)
  throw new RangeError(`${name} must be at least ${leastMs}, not ${leaseMs}: ${why}`)
}

function leastLease({ isLocal, fresh }: Visibility): [leastMs: number, why: string] {
  if (isLocal) return [MIN_LOCAL_MS, 'a disk under load may take that long to renew it']
  if (fresh) {
    return [MIN_SHARED_MS, 'the file system is not known to be local, and a server takes its time']
  }
  const why = 'with fresh: false other hosts may not see for up to a minute that it was renewed'
  return [MIN_REMEMBERED_MS, why]
}
