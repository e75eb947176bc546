import { randomBytes } from 'node:crypto'
import { StoreError } from '../../errors.js'
import { hashKey } from '../../key.js'
import type { ObjectInfo } from '../../object-info.js'
import { withoutMark } from '../marks.js'

/** Where a value is that the small tier has not itself. */
export interface Pointer {
  /** What its object is called in the large tier; no two writes use the same. */
  readonly name: string
  /** Length of the value in bytes. */
  readonly sizeBytes: number
}

/** The metadata, in the small tier, that hold the pointer. */
export const MARK = 'linkstore-tiered'

const BEGINNING = 'tiered/'
const NAME = /^tiered\/[0-9a-f]{64}\/[0-9a-f]{32}$/

/** The length of every name. */
export const NAME_BYTES = BEGINNING.length + 64 + 1 + 32

/** A name that nobody has used: it tells the hash of its key. */
export function newName(key: string): string {
  return `${BEGINNING}${hashKey(key)}/${randomBytes(16).toString('hex')}`
}

/** Whether an object of the large tier is called as this layer calls them. */
export function isName(text: string): boolean {
  return NAME.test(text)
}

/** A number by which a name is known: two names have the same one only by a rare chance. */
export function numberOf(name: string): number {
  return Number.parseInt(name.slice(-13), 16)
}

/** The pointer as the small tier keeps it. */
export function markOf({ name, sizeBytes }: Pointer): string {
  return `${name} ${sizeBytes}`
}

/**
 * The pointer of an object of the small tier; undefined if it has the value itself.
 *
 * @throws StoreError `FORMAT_UNSUPPORTED` where it cannot be told
 */
export function pointerOf({ key, metadata }: ObjectInfo): Pointer | undefined {
  const mark = metadata[MARK]
  if (mark === undefined) return undefined
  const [, name = '', digits] = /^(\S+) (\d{1,15})$/.exec(mark) ?? []
  if (isName(name) && digits !== undefined) return { name, sizeBytes: Number(digits) }
  const message = `the value lies where this version does not know: ${mark}`
  throw new StoreError('FORMAT_UNSUPPORTED', `${message}; use a newer version`, { key })
}

/** What is known of the object of a key, by what the small tier has. */
export function ownInfo(info: ObjectInfo, pointer: Pointer | undefined): ObjectInfo {
  if (pointer === undefined) return info
  return { ...withoutMark(info, MARK), sizeBytes: pointer.sizeBytes }
}
