import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { StoreError } from '../../errors.js'

/** How values are compressed. */
export type Algorithm = 'brotli' | 'gzip' | 'zstd'

/** The names of what there is. */
export const ALGORITHMS: readonly Algorithm[] = ['brotli', 'gzip', 'zstd']

interface Codec {
  readonly compress: (bytes: Uint8Array, level: number) => Promise<Buffer>
  /** Gives at most so many bytes; more is an error. */
  readonly expand: (bytes: Uint8Array, maxOutputLength: number) => Promise<Buffer>
  /** The least and the highest level, and what is a good balance of time and size. */
  readonly levels: readonly [least: number, most: number, usual: number]
}

const { constants } = zlib
type Callback = (error: Error | null, result: Buffer) => void
type RawCall = (bytes: Uint8Array, options: object, done: Callback) => void

/** Node 22.15 and later; the types are those of Node 20. */
const { zstdCompress, zstdDecompress } = zlib as Partial<
  Record<'zstdCompress' | 'zstdDecompress', RawCall>
>

const CODECS: Readonly<Record<Algorithm, Codec | undefined>> = {
  brotli: codec(
    zlib.brotliCompress,
    zlib.brotliDecompress,
    (level, sizeBytes) => ({ params: brotliParameters(level, sizeBytes) }),
    [0, 11, 4],
  ),
  gzip: codec(zlib.gzip, zlib.gunzip, (level) => ({ level }), [1, 9, 6]),
  zstd:
    zstdCompress === undefined || zstdDecompress === undefined
      ? undefined
      : codec(
          zstdCompress,
          zstdDecompress,
          // ZSTD_c_compressionLevel
          (level) => ({ params: { 100: level } }),
          [1, 19, 3],
        ),
}

/** A window no larger than the input: the tables for the usual one cost more than small input. */
function brotliParameters(level: number, sizeBytes: number): Record<number, number> {
  const windowBits = Math.ceil(Math.log2(sizeBytes))
  const { BROTLI_MIN_WINDOW_BITS: least, BROTLI_DEFAULT_WINDOW: most } = constants
  return {
    [constants.BROTLI_PARAM_QUALITY]: level,
    [constants.BROTLI_PARAM_SIZE_HINT]: sizeBytes,
    [constants.BROTLI_PARAM_LGWIN]: Math.min(most, Math.max(least, windowBits)),
  }
}

function codec(
  compress: RawCall,
  expand: RawCall,
  optionsOf: (level: number, sizeBytes: number) => object,
  levels: Codec['levels'],
): Codec {
  return {
    compress: (bytes, level) => promisify(compress)(bytes, optionsOf(level, bytes.length)),
    expand: (bytes, maxOutputLength) => promisify(expand)(bytes, { maxOutputLength }),
    levels,
  }
}

/**
 * What compresses and expands.
 *
 * @throws StoreError `NOT_SUPPORTED` where this version of Node does not have it
 */
export function codecOf(algorithm: Algorithm): Codec {
  const found = CODECS[algorithm]
  if (found !== undefined) return found
  const message = `this Node has no ${algorithm}; use 22.15 or newer, or another algorithm`
  throw new StoreError('NOT_SUPPORTED', message)
}
