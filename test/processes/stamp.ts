/** Values that tell which write they are of, and whether all of them is. */

/** Values above 64 KiB are read another way than small ones; so now and then there is one. */
const LARGE_EVERY = 61
const LARGE_BYTES = 96 * 1024

/** A value that no other write makes: its stamp over and over, of a length that varies. */
export function stampedValue(writer: number, count: number): Buffer {
  const stamp = Buffer.alloc(8)
  stamp.writeUInt32LE(writer, 0)
  stamp.writeUInt32LE(count, 4)
  const sizeBytes = count % LARGE_EVERY === 0 ? LARGE_BYTES : 8 * (1 + ((count * 97) % 512))
  return Buffer.alloc(sizeBytes, stamp)
}

/** Which write a value is of, as `writer.count`; `torn` if it is not wholly of one. */
export function stampOf(value: Buffer): string {
  if (value.length < 8) return 'torn'
  const writer = value.readUInt32LE(0)
  const count = value.readUInt32LE(4)
  return value.equals(stampedValue(writer, count)) ? `${writer}.${count}` : 'torn'
}
