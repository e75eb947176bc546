import { createCipheriv } from 'node:crypto'
import type { Load } from './subject.js'

/** All keys are as long as each other, so that all objects of a store are. */
export function keyOf(index: number): string {
  return `key-${String(index).padStart(8, '0')}`
}

/** The number in a key; NaN if it is none of ours. */
export function indexOf(key: string): number {
  return /^key-\d{8}$/.test(key) ? Number(key.slice(4)) : NaN
}

const MAX_DIFFERENT = 512
const MAX_POOL_BYTES = 64 * 2 ** 20

/**
 * Keys with the given numbers, and values that nothing compresses. Every process that asks gets
 * the same ones.
 */
export function loadOf(valueBytes: number, indexes: readonly number[]): Load {
  const keys = indexes.map(keyOf)
  // Made beforehand, as making them would be measured otherwise.
  const pool = bytesOf(valueBytes, Math.min(MAX_DIFFERENT, poolSize(valueBytes)))
  const value = (at: number, version: number): Buffer => {
    const place = (2 * (indexes[at] ?? at) + (version % 2)) % pool.length
    return pool[place] ?? Buffer.alloc(0)
  }
  return { valueBytes, keys, value }
}

/** The first `count` keys. */
export function firstKeys(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** An even number, so that the two values of a key always differ. */
function poolSize(valueBytes: number): number {
  return Math.max(2, 2 * Math.floor(MAX_POOL_BYTES / valueBytes / 2))
}

function bytesOf(valueBytes: number, count: number): Buffer[] {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'value'), Buffer.alloc(16))
  return Array.from({ length: count }, () => cipher.update(Buffer.alloc(valueBytes)))
}
