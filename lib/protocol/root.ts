import { MARKER_NAME } from '../format/marker.js'
import { isShardName } from '../key.js'
import { CELL_SPACES } from './cell-spaces.js'
import { EXPIRING_NAME } from './expire.js'
import { isPrivateEntry } from './private-names.js'

/** The directory for damaged objects that `verify` was asked to move there. */
export const QUARANTINE_NAME = '.quarantine'

/** The directory that holds the queues. */
export const QUEUES_NAME = '.queues'

/** Whether an entry of the root is a directory that the store keeps beside its shards. */
export function isAnnex(name: string): boolean {
  const isCells = (CELL_SPACES as readonly string[]).includes(name)
  return isCells || name === QUARANTINE_NAME || name === QUEUES_NAME
}

/** Whether an entry of the root is one the store itself makes. */
export function isStoreEntry(name: string): boolean {
  if (name === MARKER_NAME || name === EXPIRING_NAME) return true
  return isAnnex(name) || isPrivateEntry(name) || isShardName(name)
}

/**
 * Whether an entry of the root belongs to the volume rather than to a user: ext4 makes
 * `lost+found`, NetApp and others `.snapshot`, an NFS client `.nfs…`. A new volume that has
 * them counts as empty.
 */
export function isFurniture(name: string): boolean {
  return name === 'lost+found' || name === '.snapshot' || name.startsWith('.nfs')
}
