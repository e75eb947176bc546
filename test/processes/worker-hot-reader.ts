/**
 * Reads the key that worker-hot-writer overwrites, and counts what must not happen.
 *
 *     worker-hot-reader ROOT sync|async READS
 *     worker-hot-reader ROOT bare MAX_MS
 *
 * `bare` reads as it is usually done, without a proof of absence: link, open, read, unlink. It
 * ends at its first miss.
 */
import { closeSync, linkSync, mkdirSync, openSync as openFile, readFileSync } from 'node:fs'
import { rmSync, unlinkSync } from 'node:fs'
import { hashKey, open, openSync } from '../../index.js'
import { stampOf } from './stamp.js'

const MAX_IN_FLIGHT = 16

const [root = '', how = '', limit = ''] = process.argv.slice(2)
const counts = { reads: 0, misses: 0, torn: 0, backwards: 0 }
let newest = 0

/** @param before - the newest value known when the read began */
function judge(value: Buffer | undefined, before: number): void {
  counts.reads += 1
  if (value === undefined) {
    counts.misses += 1
    return
  }
  const stamp = stampOf(value)
  const count = Number(stamp.split('.')[1])
  if (stamp === 'torn') counts.torn += 1
  else if (count < before) counts.backwards += 1
  else newest = Math.max(newest, count)
}

function readSync(reads: number): void {
  using store = openSync(root)
  while (counts.reads < reads) judge(store.get('hot'), newest)
}

async function readAsync(reads: number): Promise<void> {
  await using store = await open(root)
  const lane = async (): Promise<void> => {
    while (counts.reads < reads) {
      const before = newest
      judge(await store.get('hot'), before)
    }
  }
  await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, lane))
}

function readBare(maxMs: number): void {
  const hash = hashKey('hot')
  const path = `${root}/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`
  const directory = `${root}/.tmp/bare`
  mkdirSync(directory)
  const end = performance.now() + maxMs
  while (counts.misses === 0 && performance.now() < end) {
    const name = `${directory}/${counts.reads}`
    counts.reads += 1
    try {
      linkSync(path, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      counts.misses += 1
      continue
    }
    const descriptor = openFile(name, 'r')
    readFileSync(descriptor)
    closeSync(descriptor)
    unlinkSync(name)
  }
  rmSync(directory, { recursive: true })
}

if (how === 'sync') readSync(Number(limit))
else if (how === 'async') await readAsync(Number(limit))
else readBare(Number(limit))
process.stdout.write(`${JSON.stringify(counts)}\n`)
