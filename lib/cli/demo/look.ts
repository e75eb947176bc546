import { StoreError, type ObjectInfo, type Store, type SyncStore } from '../../../index.js'
import { sha256Of, type Sample } from './samples.js'

/** What a look at a key showed. */
export type Look =
  | { readonly kind: 'absent' }
  /** What was there is not what any one write stored under this key. */
  | { readonly kind: 'torn'; readonly reason: string }
  | { readonly kind: 'whole'; readonly sha256: string }

/**
 * What the demo writes beside each value, so that it need not trust the store's own checks to
 * notice a value that is torn, mixed of two, or another key's.
 */
export function seal(key: string, { name, sha256 }: Sample): Record<string, string> {
  return { key, file: name, sha256 }
}

/** Reads a key and holds the value against its seal. */
export async function look(store: Store, key: string): Promise<Look> {
  try {
    await using object = await store.read(key)
    if (object === undefined) return ABSENT
    return compare(key, object.info, await object.bytes())
  } catch (error) {
    return asTorn(error)
  }
}

/** The same with the synchronous face. */
export function lookSync(store: SyncStore, key: string): Look {
  try {
    using object = store.read(key)
    return object === undefined ? ABSENT : compare(key, object.info, object.bytes())
  } catch (error) {
    return asTorn(error)
  }
}

const ABSENT: Look = { kind: 'absent' }

function compare(key: string, { metadata }: ObjectInfo, bytes: Buffer): Look {
  const sha256 = sha256Of(bytes)
  if (metadata['key'] !== key) return { kind: 'torn', reason: "it is sealed as another key's" }
  if (metadata['sha256'] === sha256) return { kind: 'whole', sha256 }
  return { kind: 'torn', reason: 'its SHA-256 is not the one it was stored with' }
}

function asTorn(error: unknown): Look {
  if (error instanceof StoreError && error.code === 'CORRUPT') {
    return { kind: 'torn', reason: error.message }
  }
  throw error
}
