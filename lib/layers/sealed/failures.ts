/** What a sealed store refuses, in words. None of them quotes a key or anything decrypted. */
import { StoreError } from '../../errors.js'

/** Something cannot be opened with the keys there are. */
export function notDecrypted(what: string, cause?: unknown): StoreError {
  return new StoreError('DECRYPT', what, { cause })
}

/** An object, or a part of it, is not what was sealed under this key. */
export function notAuthentic(part: string): StoreError {
  const what = `${part} of the sealed object is not authentic; nothing of it is given out`
  return notDecrypted(`${what}: it was changed, cut short, or moved here from another key`)
}

/** Something is well made by somebody who may not, or comes back though it was replaced. */
export function notTrusted(what: string): StoreError {
  return new StoreError('UNTRUSTED', what)
}

/** Something was made by a later release. */
export function tooNew(what: string, version: number): StoreError {
  const message = `${what} is of version ${version}, which this release does not know`
  return new StoreError('FORMAT_UNSUPPORTED', `${message}; use a newer one`)
}
