import type { ObjectInfo } from '../object-info.js'
import type { WriteOptions } from '../object-store.js'

/**
 * The user's attributes with what a layer notes of the object, under a name of its own.
 *
 * @throws TypeError where the user's own metadata have that name
 */
export function withMark(options: WriteOptions, name: string, mark: string): WriteOptions {
  refuseMark(options, name)
  return { ...options, metadata: { ...options.metadata, [name]: mark } }
}

/** Refuses metadata, that were checked, with the name of a layer's mark. */
export function refuseMark(options: WriteOptions, name: string): void {
  if (options.metadata === undefined || !Object.hasOwn(options.metadata, name)) return
  throw new TypeError(`metadata may not have the name ${name}: a layer of linkstore uses it`)
}

/** What is known of an object, without the mark of a layer. */
export function withoutMark(info: ObjectInfo, name: string): ObjectInfo {
  const { [name]: _mark, ...metadata } = info.metadata
  return { ...info, metadata }
}
