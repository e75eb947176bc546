/** The file at the root of a store that says what the directory is. */
export const MARKER_NAME = 'linkstore.json'

/** The newest format version this release reads and writes. */
export const MARKER_VERSION = 2
/** The version of what is not conditional, which releases before that can read. */
const PLAIN_VERSION = 1

/** How values lie in their files: with a footer, or bare as Go's SOS has them. */
export type Format = 'envelope' | 'raw'

const ABOUT =
  'This directory is a linkstore: an object store shared by many processes and hosts. ' +
  'Do not edit the files in it; read and write it with the linkstore package or command.'

/** What a marker says of its store. */
export interface Kind {
  readonly format: Format
  /** Whether each object is a cell, so that writes may depend on what is there. */
  readonly isConditional: boolean
}

/** The bytes of the marker of a store of a kind. */
export function encodeMarker({ format, isConditional }: Kind): Buffer {
  const marker = {
    store: 'linkstore',
    format,
    version: isConditional ? MARKER_VERSION : PLAIN_VERSION,
    ...(isConditional && { conditional: true }),
    about: ABOUT,
  }
  return Buffer.from(`${JSON.stringify(marker, null, 2)}\n`)
}

/** What a marker says: the format, a version too new to read, or that it is none. */
export type MarkerReading =
  | ({ readonly kind: 'format' } & Kind)
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** Reads a marker. Fields it does not know are ignored, so that later releases may add some. */
export function decodeMarker(bytes: Buffer): MarkerReading {
  let marker: { store?: unknown; format?: unknown; version?: unknown; conditional?: unknown } | null
  try {
    marker = JSON.parse(bytes.toString('utf8')) as typeof marker
  } catch {
    return { kind: 'unreadable', reason: 'it is not JSON' }
  }
  const version = marker?.version
  if (marker?.store !== 'linkstore' || !isVersion(version)) {
    return { kind: 'unreadable', reason: 'it is not the marker of a linkstore' }
  }
  if (version > MARKER_VERSION) return { kind: 'newer', version }
  if (marker.format !== 'envelope' && marker.format !== 'raw') {
    return { kind: 'unreadable', reason: `its format is ${JSON.stringify(marker.format)}` }
  }
  return {
    kind: 'format',
    format: marker.format,
    isConditional: version > PLAIN_VERSION && marker.conditional === true,
  }
}

function isVersion(version: unknown): version is number {
  return Number.isInteger(version) && (version as number) >= 1
}
