import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import type { DecodeOptions, EncodeOptions, OptionalTypeEncoder } from 'cborg/interface'
import {
  bigIntDecoder,
  bigNegIntDecoder,
  dateEncoder,
  mapDecoder,
  mapEncoder,
  structBigIntEncoder,
  TAG_BIGINT_NEG,
  TAG_BIGINT_POS,
  TAG_DATE_EPOCH,
  TAG_MAP,
} from 'cborg/taglib'
import type { Codec } from './codec.js'

/** Views of memory that would come back as plain bytes. */
const OTHER_VIEWS = [
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
]

const refuse: OptionalTypeEncoder = (_value, type) => {
  throw new TypeError(`a value of type ${type} cannot be stored as CBOR: only Uint8Array can`)
}

/** To be encoded as usual, once it is known to have UTF-8. */
const wellFormed: OptionalTypeEncoder = (text: string) => {
  if (text.isWellFormed()) return null
  throw new TypeError('text with a lone surrogate cannot be stored as CBOR: UTF-8 has none')
}

const ENCODING: EncodeOptions = {
  ...rfc8949EncodeOptions,
  typeEncoders: {
    ...Object.fromEntries(OTHER_VIEWS.map((name) => [name, refuse])),
    string: wellFormed,
    Date: dateEncoder,
    Map: mapEncoder,
    bigint: structBigIntEncoder,
  },
}

const DECODING: DecodeOptions = {
  strict: true,
  rejectDuplicateMapKeys: true,
  tags: {
    // Rounded: a time in seconds is a fraction that is not exact.
    [TAG_DATE_EPOCH]: (content) => new Date(Math.round(Number(content()) * 1000)),
    [TAG_MAP]: mapDecoder,
    [TAG_BIGINT_POS]: bigIntDecoder,
    [TAG_BIGINT_NEG]: bigNegIntDecoder,
  },
}

/**
 * CBOR (RFC 8949), by the package `cborg`, in the deterministic form: equal values are equal bytes,
 * in whatever order their properties and the entries of their Maps were set. Map, Date, BigInt,
 * Uint8Array (a Buffer comes back as one), undefined, NaN and Infinity survive; -0 becomes 0. What
 * else JSON does not have is refused with an error.
 */
export const cbor: Codec<unknown> = {
  contentType: 'application/cbor',
  encode: (value) => {
    try {
      return encode(value, ENCODING)
    } catch (error) {
      throw error instanceof TypeError
        ? error
        : new TypeError(`the value cannot be stored as CBOR: ${String(error)}`, { cause: error })
    }
  },
  decode: (bytes) => decode(bytes, DECODING) as unknown,
}
