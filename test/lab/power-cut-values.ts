/**
 * Values that tell which write they come from, so that a reader can tell the old one, the new one
 * and a torn one apart.
 */
import { createHash } from 'node:crypto'

/** What a reader makes of a value that no single write has written. */
export const TORN = 'torn'
/** What a reader makes of an object that the store itself reports as damaged. */
export const CORRUPT = 'corrupt'

/** The value of one write: its stamp, and bytes that follow from the stamp alone. */
export function valueOf(stamp: string, sizeBytes: number): Buffer {
  const head = `${stamp} ${sizeBytes}\n`
  const outputLength = Math.max(1, sizeBytes)
  const body = createHash('shake256', { outputLength }).update(head).digest()
  return Buffer.concat([Buffer.from(head), body.subarray(0, sizeBytes)])
}

/** The stamp of the write that a value comes from, or {@link TORN}. */
export function stampOf(value: Buffer): string {
  const head = value.toString('latin1', 0, value.indexOf('\n'))
  const [stamp = '', size = ''] = head.split(' ')
  if (!/^\d{1,9}$/.test(size)) return TORN
  return valueOf(stamp, Number(size)).equals(value) ? stamp : TORN
}
