import type { Facts } from '../../lib/doctor/facts.js'
import { mountOf, parseMountTable } from '../../lib/format/mount-table.js'
import type { Outcome } from '../../lib/doctor/outcome.js'

/** A probe that gave a value. */
export function found<T>(value: T): Outcome<T> {
  return { kind: 'found', value }
}

/** A probe that the system refused. */
export function failed(code: string): Outcome<never> {
  return { kind: 'failed', code, message: `call says ${code}` }
}

/** A probe that was not made. */
export const SKIPPED: Outcome<never> = { kind: 'skipped', reason: 'nothing can be written here' }

/** A probe that never came back. */
export const SILENT: Outcome<never> = { kind: 'silent', afterMs: 10_000 }

/** What the probes find on a file system that can all, mounted on /mnt/v by this line. */
export function factsOf(line: string, others: Partial<Facts> = {}): Facts {
  const path = '/mnt/v/store'
  return {
    directory: path,
    host: 'web-1',
    checkedAtMs: 0,
    user: { uid: 1000, gid: 1000, groups: [1000] },
    mount: mountOf(parseMountTable(line), path, undefined),
    mountsBelow: [],
    place: found({ path, uid: 1000, gid: 1000, mode: 0o755, mountId: undefined }),
    space: found({
      ...{ type: 0, totalBytes: 1e12, freeBytes: 5e11, totalInodes: 1e6, freeInodes: 9e5 },
    }),
    contents: found({ kind: 'empty' }),
    access: found('writable'),
    scratch: found('.tmp-0 and .tmp-1'),
    rename: found(true),
    link: found(true),
    exclusion: found('EEXIST'),
    apart: found([]),
    fileFlush: found(true),
    directoryFlush: found(true),
    linkCount: found({ names: 1000, isLimit: false }),
    otherUser: found({ isProtected: true, attempt: undefined }),
    clock: found({ offsetMs: 3, uncertaintyMs: 12 }),
    latency: found({
      ...{ write: 1, flush: 2, rename: 1, link: 1, read: 1, unlink: 1, openDirectory: 1 },
    }),
    leftovers: found({
      ...{ files: 0, bytes: 0, abandonedFiles: 0, abandonedBytes: 0 },
      ...{ oldestAgeMs: undefined, isComplete: true },
    }),
    cleanUp: found(true),
    ...others,
  }
}
