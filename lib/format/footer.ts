import { crc32 } from 'node:zlib'

/**
 * The footer of an envelope object: what follows the value in its file. `docs/format.md` is the
 * normative description; this module only turns it into bytes and back.
 *
 * A footer is key, host and attributes (each as long as the fixed part says), then the fixed
 * part of {@link FIXED_BYTES}, little-endian, which ends the file:
 *
 *     0  version id, 16 bytes        44  length of key, u32
 *    16  length of value, u64        48  length of attributes, u32
 *    24  written at, ms, u64         52  length of host, u16
 *    32  expires at, ms, u64 or 0    54  format version, u8; flags, u8
 *    40  crc32 of the value, u32     56  length of the footer, u32
 *                                    60  crc32 of the footer's bytes before this, u32
 *                                    64  magic, 8 bytes
 */
export interface Footer {
  /** Unique to this write: 32 hex digits. */
  readonly version: string
  readonly valueBytes: number
  readonly valueCrc: number
  readonly key: string
  /** The host that wrote it. */
  readonly host: string
  /** Milliseconds since 1970, by the writer's clock. */
  readonly writtenAtMs: number
  /** Milliseconds since 1970, by the writer's clock; undefined: never. */
  readonly expiresAtMs: number | undefined
  readonly contentType: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  /** Where the file is a generation of a cell: how it came after the one before it. */
  readonly chain?: Chain | undefined
}

/** How a generation of a cell came after the one before it. */
export interface Chain {
  /** The version of that; undefined for the first. */
  readonly follows: string | undefined
  /** Whether there is no value from then on. */
  readonly isRemoval: boolean
}

/** Why bytes are not a footer this release can read. */
export class FooterProblem {
  constructor(
    readonly code: 'CORRUPT' | 'FORMAT_UNSUPPORTED',
    readonly reason: string,
  ) {}
}

/** The version of the footer this release writes and reads. */
export const FOOTER_VERSION = 1
/** Bytes of the part that every footer ends with. */
export const FIXED_BYTES = 72
/** The longest attributes (content type and metadata, as JSON), in bytes. */
export const MAX_ATTRIBUTES_BYTES = 64 * 1024

/** The longest footer, in this and in every later version. */
export const MAX_FOOTER_BYTES = 256 * 1024

const MAGIC = Buffer.from('LINKSTOR', 'latin1')
const MAGIC_HALVES = [MAGIC.readUInt32LE(0), MAGIC.readUInt32LE(4)] as const
const NOTHING = Buffer.alloc(0)
const CRC_FROM_END = 12
const LENGTH_FROM_END = 16

/** Content type and metadata as they stand in the footer; empty when there is neither. */
export function encodeAttributes(
  contentType: string | undefined,
  metadata: Readonly<Record<string, string>>,
  chain?: Chain,
): Buffer {
  const hasMetadata = Object.keys(metadata).length > 0
  if (contentType === undefined && !hasMetadata && chain === undefined) return NOTHING
  const attributes = {
    contentType,
    metadata: hasMetadata ? metadata : undefined,
    follows: chain?.follows,
    removed: chain?.isRemoval === true ? true : undefined,
  }
  const isEmpty = Object.values(attributes).every((value) => value === undefined)
  return isEmpty ? NOTHING : Buffer.from(JSON.stringify(attributes))
}

/** The bytes of a footer. Its attributes must have been measured against the limit before. */
export function encodeFooter(footer: Footer): Buffer {
  const attributes = encodeAttributes(footer.contentType, footer.metadata, footer.chain)
  const keyBytes = Buffer.byteLength(footer.key)
  const hostBytes = Buffer.byteLength(footer.host)
  const fixed = keyBytes + hostBytes + attributes.length
  const bytes = Buffer.allocUnsafe(fixed + FIXED_BYTES)
  bytes.write(footer.key, 0, 'utf8')
  bytes.write(footer.host, keyBytes, 'utf8')
  attributes.copy(bytes, keyBytes + hostBytes)
  bytes.write(footer.version, fixed, 'hex')
  writeUInt64(bytes, footer.valueBytes, fixed + 16)
  writeUInt64(bytes, footer.writtenAtMs, fixed + 24)
  writeUInt64(bytes, footer.expiresAtMs ?? 0, fixed + 32)
  bytes.writeUInt32LE(footer.valueCrc, fixed + 40)
  bytes.writeUInt32LE(keyBytes, fixed + 44)
  bytes.writeUInt32LE(attributes.length, fixed + 48)
  bytes.writeUInt16LE(hostBytes, fixed + 52)
  bytes.writeUInt16LE(FOOTER_VERSION, fixed + 54)
  bytes.writeUInt32LE(bytes.length, fixed + 56)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, bytes.length - CRC_FROM_END)), fixed + 60)
  MAGIC.copy(bytes, fixed + 64)
  return bytes
}

/**
 * How many bytes the footer has, told by the end of the file.
 *
 * @param end - the last bytes of the file, at least {@link FIXED_BYTES} of them unless the file
 *   is shorter
 * @param fileBytes - the size of the whole file
 */
export function measureFooter(end: Buffer, fileBytes: number): number | FooterProblem {
  if (fileBytes === 0) return new FooterProblem('CORRUPT', 'the file is empty')
  if (fileBytes < FIXED_BYTES) return new FooterProblem('CORRUPT', 'the file is cut short')
  if (!endsInMagic(end)) {
    return new FooterProblem('CORRUPT', 'the file does not end as an object does')
  }
  const footerBytes = end.readUInt32LE(end.length - LENGTH_FROM_END)
  if (footerBytes < FIXED_BYTES || footerBytes > Math.min(fileBytes, MAX_FOOTER_BYTES)) {
    return new FooterProblem('CORRUPT', 'the length of the footer is impossible')
  }
  return footerBytes
}

/** A number at a time: that needs neither a view of the bytes nor a call out of JavaScript. */
function endsInMagic(end: Buffer): boolean {
  const [first, second] = MAGIC_HALVES
  const at = end.length - MAGIC.length
  return end.readUInt32LE(at) === first && end.readUInt32LE(at + 4) === second
}

/**
 * Reads a footer and checks all of it but the value's crc.
 *
 * @param bytes - exactly the footer, as long as {@link measureFooter} said
 * @param fileBytes - the size of the whole file
 */
export function decodeFooter(bytes: Buffer, fileBytes: number): Footer | FooterProblem {
  const crcAt = bytes.length - CRC_FROM_END
  if (crc32(bytes.subarray(0, crcAt)) !== bytes.readUInt32LE(crcAt)) {
    return new FooterProblem('CORRUPT', "the footer's crc32 does not match")
  }
  const fixed = bytes.length - FIXED_BYTES
  const formatVersion = bytes.readUInt8(fixed + 54)
  const flags = bytes.readUInt8(fixed + 55)
  if (formatVersion !== FOOTER_VERSION || flags !== 0) {
    const found = `its format version is ${formatVersion} with flags ${flags}`
    const reason = `${found}, this release reads ${FOOTER_VERSION} with flags 0`
    return new FooterProblem('FORMAT_UNSUPPORTED', reason)
  }
  const valueBytes = readUInt64(bytes, fixed + 16)
  const keyBytes = bytes.readUInt32LE(fixed + 44)
  const attributesBytes = bytes.readUInt32LE(fixed + 48)
  const hostBytes = bytes.readUInt16LE(fixed + 52)
  const lengthsFit = keyBytes + hostBytes + attributesBytes === fixed
  if (!lengthsFit || valueBytes + bytes.length !== fileBytes) {
    return new FooterProblem('CORRUPT', 'the file is not as long as its footer says')
  }
  const expiresAtMs = readUInt64(bytes, fixed + 32)
  const attributes: Attributes | undefined =
    attributesBytes === 0
      ? { contentType: undefined, metadata: {}, chain: undefined }
      : decodeAttributes(bytes.subarray(keyBytes + hostBytes, fixed))
  if (attributes === undefined) {
    return new FooterProblem('CORRUPT', 'its attributes are not an object of strings')
  }
  return {
    version: bytes.toString('hex', fixed, fixed + 16),
    valueBytes,
    valueCrc: bytes.readUInt32LE(fixed + 40),
    key: bytes.toString('utf8', 0, keyBytes),
    host: bytes.toString('utf8', keyBytes, keyBytes + hostBytes),
    writtenAtMs: readUInt64(bytes, fixed + 24),
    expiresAtMs: expiresAtMs === 0 ? undefined : expiresAtMs,
    contentType: attributes.contentType,
    metadata: attributes.metadata,
    chain: attributes.chain,
  }
}

type Attributes = Pick<Footer, 'contentType' | 'metadata' | 'chain'>

/** The crc has vouched for these bytes, but not that whoever wrote them kept to the format. */
function decodeAttributes(bytes: Buffer): Attributes | undefined {
  let attributes: unknown
  try {
    attributes = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
  if (!isRecord(attributes)) return undefined
  const { contentType, metadata = {}, follows, removed } = attributes
  if (contentType !== undefined && typeof contentType !== 'string') return undefined
  if (!isRecord(metadata)) return undefined
  const areStrings = Object.values(metadata).every((value) => typeof value === 'string')
  if (!areStrings) return undefined
  const isChained = follows !== undefined || removed !== undefined
  return {
    contentType,
    metadata: metadata as Record<string, string>,
    chain: isChained
      ? {
          follows: typeof follows === 'string' ? follows : undefined,
          isRemoval: removed === true,
        }
      : undefined,
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// A u64 is written as two u32: numbers here stay below 2^53, and a BigInt costs far more.
function writeUInt64(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32LE(value >>> 0, offset)
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), offset + 4)
}

function readUInt64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32
}
