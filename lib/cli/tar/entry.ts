/**
 * An object as an entry of a tar archive, and back. What import keeps in the metadata stands in the
 * usual places: type, mode, time, target. What has none stands in pax records of our own:
 *
 * - `LINKSTORE.key`: the key as a JSON string, where it is no path; the name is then made up.
 *   With a directory it says that this is an object, and not only where others lie.
 * - `LINKSTORE.metadata`: all of the metadata as a JSON object, where it is not what import makes
 *   of the entry
 * - `LINKSTORE.contentType`, and `LINKSTORE.expiresAtMs` in milliseconds since 1970
 */
import { isUtf8 } from 'node:buffer'
import type { Header, Pack } from 'tar-stream'
import { hashKey, type ObjectInfo } from '../../../index.js'
import { decodeAttributes, decodeTime, encodeAttributes } from '../tree/attributes.js'
import { isSameMetadata, type Wanted } from '../tree/sameness.js'
import { Skip } from '../tree/tally.js'
import { pathOfKey } from '../tree/tree-path.js'

/** From here on the field of the header is too small. */
const LARGE_BYTES = 8 * 2 ** 30
/** Times outside of this only fit into the pax record. */
const MAX_HEADER_SECONDS = 2 ** 31 - 1
const MAX_TARGET_BYTES = 4096
const MODES = { file: 0o644, symlink: 0o777, directory: 0o755 } as const

type Kind = keyof typeof MODES
type Pax = Readonly<Record<string, string>>
/** What an archive takes. */
export type NewHeader = Parameters<Pack['entry']>[0]

/** An object that an entry stands for. */
export interface EntryObject extends Wanted {
  readonly key: string
  /** `link`: one more name of a file that came before. */
  readonly kind: Kind | 'link'
  /** Of links. */
  readonly target: string
  readonly contentType: string | undefined
  readonly expiresAtMs: number | undefined
  /** Whether it is an object of a store for sure, and not a directory that holds others. */
  readonly isOwn: boolean
}

/** What comes before the content of an object. */
export function headerOf(info: ObjectInfo, value: Buffer | undefined, prefix: string): NewHeader {
  const { metadata, contentType, expiresAtMs, sizeBytes } = info
  const key = info.key.slice(prefix.length)
  const kind = kindOf(key, decodeAttributes(metadata).type, value)
  const isName = isPath(key, kind === 'directory')
  const { mode = MODES[kind] } = decodeAttributes(metadata)
  const mtime = timeOf(info)
  const usual = encodeAttributes(kind, { mode: BigInt(mode), mtimeNs: decodeTime(mtime) })
  const pax: Record<string, string> = { mtime }
  if (!isName || kind === 'directory') pax['LINKSTORE.key'] = JSON.stringify(key)
  if (!isSameMetadata(usual, metadata)) pax['LINKSTORE.metadata'] = JSON.stringify(metadata)
  if (contentType !== undefined) pax['LINKSTORE.contentType'] = contentType
  if (expiresAtMs !== undefined) pax['LINKSTORE.expiresAtMs'] = String(expiresAtMs)
  if (sizeBytes >= LARGE_BYTES) pax['size'] = String(sizeBytes)
  const seconds = Math.min(MAX_HEADER_SECONDS, Math.max(0, Math.floor(Number(mtime))))
  return {
    name: isName ? key : `.linkstore-key-${hashKey(key)}`,
    type: kind,
    mode,
    mtime: new Date(seconds * 1000),
    size: kind === 'file' ? sizeBytes : 0,
    ...(kind === 'symlink' && { linkname: String(value) }),
    pax,
  }
}

/** Metadata may say anything; the archive can only have what is possible. */
function kindOf(key: string, type: Kind, value: Buffer | undefined): Kind {
  const isTarget = value !== undefined && value.length > 0 && value.length <= MAX_TARGET_BYTES
  if (type === 'symlink' && isTarget && isUtf8(value) && !value.includes(0)) return 'symlink'
  const isDirectory = type === 'directory' && value?.length === 0 && key.endsWith('/')
  return isDirectory && isPath(key, true) ? 'directory' : 'file'
}

function isPath(key: string, isDirectory: boolean): boolean {
  try {
    pathOfKey(key, isDirectory)
    // It would be taken for what is left of a name that is not UTF-8.
    return !key.includes('\ufffd')
  } catch (error) {
    if (error instanceof Skip) return false
    throw error
  }
}

/** Seconds since 1970, as a pax record has them. */
function timeOf({ metadata, writtenAtMs }: ObjectInfo): string {
  const { mtime } = metadata
  const isTime = mtime !== undefined && decodeAttributes(metadata).mtimeSeconds !== undefined
  return isTime ? mtime : (writtenAtMs / 1000).toFixed(3)
}

/**
 * What an entry is to become.
 *
 * @throws Skip for what a store cannot keep, and for names that lead out of a directory
 */
export function objectOf(header: Header, prefix: string): EntryObject {
  const pax = paxOf(header)
  const kind = kindOfHeader(header, pax)
  const ownKey = parsed(pax, 'LINKSTORE.key')
  const metadata = parsed(pax, 'LINKSTORE.metadata')
  const mtimeNs = pax['mtime'] === undefined ? headerTime(header) : decodeTime(pax['mtime'])
  const numbers = { mode: BigInt(header.mode), mtimeNs }
  const key = ownKey === undefined ? keyOf(header, pax, kind) : requireText(ownKey)
  const { linkpath } = pax
  const isLink = kind === 'link' || kind === 'symlink'
  const target = isLink ? textOf(linkpath ?? header.linkname, linkpath !== undefined) : ''
  const type = kind === 'link' ? 'file' : kind
  return {
    key: prefix + key,
    kind,
    target: kind === 'link' ? prefix + pathOfKey(withoutDot(target), false) : target,
    sizeBytes: kind === 'symlink' ? Buffer.byteLength(target) : header.size,
    metadata: metadata === undefined ? encodeAttributes(type, numbers) : requireRecord(metadata),
    contentType: pax['LINKSTORE.contentType'],
    expiresAtMs: requireTime(pax['LINKSTORE.expiresAtMs']),
    isOwn: ownKey !== undefined,
  }
}

/** What an entry is called, for messages: also one that is refused. */
export function nameOf(header: Header): string {
  return paxOf(header)['path'] ?? Buffer.from(header.name, 'latin1').toString()
}

function paxOf({ pax }: Header): Pax {
  return (pax as Pax | null | undefined) ?? {}
}

function kindOfHeader(header: Header, pax: Pax): EntryObject['kind'] {
  if (Object.keys(pax).some((name) => name.startsWith('GNU.sparse.'))) {
    throw new Skip('it is sparse; make the archive without --sparse')
  }
  // Of what it does not know, the library says null, whatever its types say.
  const type: string | null = header.type
  if (type === 'contiguous-file') return 'file'
  if (type === 'file' || type === 'symlink' || type === 'directory' || type === 'link') return type
  if (type === 'fifo') throw new Skip('it is a pipe')
  const isDevice = type === 'character-device' || type === 'block-device'
  throw new Skip(isDevice ? 'it is a device' : 'it is of a kind that only some tar know')
}

function keyOf(header: Header, pax: Pax, kind: EntryObject['kind']): string {
  const isPax = pax['path'] !== undefined
  const name = withoutDot(textOf(isPax ? (pax['path'] ?? '') : header.name, isPax))
  const isDirectory = kind === 'directory'
  if (isDirectory && name === '') return ''
  const path = pathOfKey(name, isDirectory)
  return isDirectory ? `${path}/` : path
}

/** `tar -C DIR -c .` puts this before each name. */
function withoutDot(name: string): string {
  return name === '.' ? '' : name.replace(/^(\.\/+)+/, '')
}

/** Names in the header itself were read as single bytes, so that none is lost. */
function textOf(name: string, isText: boolean): string {
  const bytes = Buffer.from(name, 'latin1')
  const isGood = isText ? !name.includes('\ufffd') : isUtf8(bytes)
  if (!isGood) throw new Skip('its name is not UTF-8')
  return isText ? name : bytes.toString()
}

function headerTime({ mtime }: Header): bigint {
  return BigInt(mtime.getTime()) * 1_000_000n
}

function parsed(pax: Pax, name: string): unknown {
  const text = pax[name]
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown)
  } catch {
    throw new Skip(`its record ${name} is damaged`)
  }
}

function requireText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new Skip('its record LINKSTORE.key is damaged')
}

function requireRecord(value: unknown): Record<string, string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const isGood = isObject && Object.values(value).every((one) => typeof one === 'string')
  if (!isGood) throw new Skip('its record LINKSTORE.metadata is damaged')
  return value as Record<string, string>
}

function requireTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,16}$/.test(text)) return Number(text)
  throw new Skip('its record LINKSTORE.expiresAtMs is damaged')
}
