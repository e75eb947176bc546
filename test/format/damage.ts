import { crc32 } from 'node:zlib'
import { hashKey } from '../../lib/key.js'

/** Where the object of a key lies. */
export function objectPath(root: string, key: string): string {
  const hash = hashKey(key)
  return `${root}/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`
}

/** A copy with one bit flipped. */
export function flipBit(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

/** The same object with a footer of version 2, whose crc is right. */
export function asNewer(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(2, copy.length - 18)
  const footer = copy.subarray(copy.length - footerBytes(copy), -12)
  copy.writeUInt32LE(crc32(footer), copy.length - 12)
  return copy
}

/** How long the footer of an object is. */
export function footerBytes(bytes: Buffer): number {
  return bytes.readUInt32LE(bytes.length - 16)
}
