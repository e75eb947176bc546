/**
 * How keys are spelled in a bucket. An ordinary key is spelled as it is. Escaped, byte for byte as
 * `%XX`, is what not every server, listing or tool carries unchanged: control characters,
 * backslashes, white space at the ends of a part between slashes, parts that are `.` or `..`, and
 * the per cent sign itself. An empty part is spelled `%`.
 */
import { StoreError } from '../../errors.js'

/** The longest name of an object in S3, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 1024

/** C0, DEL, C1, what XML cannot have, backslash and per cent. */
// eslint-disable-next-line no-control-regex -- these are the ones that it is about
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff\\%]/gu
const OUTER_SPACE = /^\s|\s$/gu
const ESCAPES = /(?:%[0-9A-F]{2})+/g
const EMPTY_PART = '%'
const DOTS = /^\.\.?$/

/** The names of one store in a bucket: those that begin with its prefix and a slash. */
export class Names {
  /** What all of them begin with. */
  readonly beginning: string

  /** @param prefix - without slashes at its ends; empty: all of the bucket */
  constructor(prefix: string) {
    this.beginning = prefix === '' ? '' : `${prefix}/`
  }

  /** The longest key that is sure to fit if nothing in it is escaped. */
  get maxKeyBytes(): number {
    return MAX_NAME_BYTES - Buffer.byteLength(this.beginning)
  }

  /**
   * The name of a key.
   *
   * @throws StoreError `INVALID_KEY` if that is too long for S3
   */
  ofKey(key: string): string {
    const name = this.beginning + key.split('/').map(partOf).join('/')
    const sizeBytes = Buffer.byteLength(name)
    if (sizeBytes <= MAX_NAME_BYTES) return name
    const message = `the name of the key in S3 has ${sizeBytes} bytes, of at most ${MAX_NAME_BYTES}`
    throw new StoreError('INVALID_KEY', `${message}; some of its characters are escaped there`)
  }

  /** The key with a name; undefined where the name is not how a key is spelled. */
  toKey(name: string): string | undefined {
    if (!name.startsWith(this.beginning)) return undefined
    const spelled = name.slice(this.beginning.length)
    const key = spelled.split('/').map(textOf).join('/')
    return key.split('/').map(partOf).join('/') === spelled ? key : undefined
  }

  /** What the names of all keys with a prefix begin with; other names may do so, too. */
  ofPrefix(prefix: string): string {
    const parts = prefix.split('/')
    const last = (parts.pop() ?? '').replace(/\s+$/u, '')
    // How the last part is spelled may depend on what follows.
    const open = DOTS.test(last) || last === '' ? '' : partOf(last)
    return this.beginning + [...parts.map(partOf), open].join('/')
  }

  /** A name that no key has, for the store itself. */
  own(purpose: string): string {
    return `${this.beginning}%${purpose}`
  }
}

function partOf(part: string): string {
  if (part === '') return EMPTY_PART
  if (DOTS.test(part)) return part.replace('.', '%2E')
  return part.replace(UNSAFE, escaped).replace(OUTER_SPACE, escaped)
}

function textOf(part: string): string {
  if (part === EMPTY_PART) return ''
  return part.replace(ESCAPES, (text) => Buffer.from(text.replaceAll('%', ''), 'hex').toString())
}

function escaped(text: string): string {
  const hex = [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0'))
  return hex.map((byte) => `%${byte.toUpperCase()}`).join('')
}
