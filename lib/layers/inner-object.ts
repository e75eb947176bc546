import type { ObjectInfo } from '../object-info.js'
import type { StoredObject } from '../object-store.js'
import { storedObject, type ValuePieces } from '../stored-object.js'

/** An object of the store underneath, under what the layer says of it. */
export function renamedObject(
  inner: StoredObject,
  info: ObjectInfo,
  close = (): Promise<void> => inner.close(),
): StoredObject {
  return storedObject({
    info,
    bytes: () => inner.bytes(),
    read: (start, end) => innerPieces(inner, start, end),
    close,
  })
}

/** The bytes of an object of the store underneath, from `start` up to but not including `end`. */
export function innerPieces(inner: StoredObject, start: number, end: number): ValuePieces {
  // As a range an empty part cannot be asked for; nor is a part checked, as a whole value is.
  const isWhole = start === 0 && end === inner.info.sizeBytes
  const stream = isWhole ? inner.stream() : inner.stream({ start, end: end - 1 })
  return stream.iterator() as AsyncIterator<Buffer, undefined>
}
