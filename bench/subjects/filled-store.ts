/** Stores with many objects, which take long to make: each is made once, for all questions. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Scratch } from '../questions/question.js'

const WORKER_PATH = join(import.meta.dirname, 'filling-worker.js')

const made = new Map<string, Promise<string>>()

/**
 * The directory of a store whose objects have the first `objects` keys, and what a load of this
 * size says of them. It is removed with the scratch.
 */
export function filledStore(
  scratch: Scratch,
  objects: number,
  valueBytes: number,
): Promise<string> {
  const directory = join(scratch.path, `filled-${objects}-${valueBytes}`)
  const store = made.get(directory) ?? fill(directory, objects, valueBytes)
  made.set(directory, store)
  return store
}

/** By one process a core. */
async function fill(directory: string, objects: number, valueBytes: number): Promise<string> {
  const count = availableParallelism()
  const workers = Array.from({ length: count }, async (_, index) => {
    const part = [index, count, objects, valueBytes].map(String)
    const child = fork(WORKER_PATH, [directory, ...part])
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`a process that fills a store ended with status ${code}`)
  })
  await Promise.all(workers)
  return directory
}
