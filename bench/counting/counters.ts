/** The table of what counts in a number that several processes share. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import writeFileAtomic from 'write-file-atomic'
import { open, type Durability } from '../../index.js'
import { counterOf, nextOf, valueOf, type Counter } from './counter.js'
import { lmdbCounter, sqliteCounter } from './database-counters.js'
import { flockCounter, flockProgram, type FlockMode } from './flock-counter.js'
import type { Promised } from '../subjects/subject.js'

/** A subject, and what it promises of an increment once it is acknowledged. */
export interface CounterEntry {
  readonly name: string
  readonly promised: Promised
  /** @param tools - a directory for programs that have to be made */
  readonly open: (directory: string, tools: string) => Promise<Counter>
}

/** How long to wait for a lock that is held: as `cell.update` does, for as long as it takes. */
const RETRIES = { forever: true, retries: 8, minTimeout: 2, maxTimeout: 256, randomize: true }

/** All of them. The first that makes a promise is what the others that make it are held to. */
export const COUNTERS: readonly CounterEntry[] = [
  cellUpdate('linkstore, cell.update', 'value and name flushed', 'full'),
  lockedStore('linkstore, lock', 'value and name flushed', 'full'),
  flocked('flock, fsync + rename + fsync', 'value and name flushed', 'full'),
  sqlite('SQLite, synchronous FULL', 'value and name flushed', 'FULL'),
  lmdb('LMDB', 'value and name flushed', true),

  cellUpdate('linkstore, cell.update, durability file', 'value flushed', 'file'),
  lockedStore('linkstore, lock, durability file', 'value flushed', 'file'),
  lockedFile('proper-lockfile, write-file-atomic', 'value flushed', (path, value) =>
    writeFileAtomic(path, value),
  ),
  flocked('flock, fsync + rename', 'value flushed', 'file'),

  cellUpdate('linkstore, cell.update, durability none', 'nothing flushed', 'none'),
  lockedStore('linkstore, lock, durability none', 'nothing flushed', 'none'),
  lockedFile('proper-lockfile, writeFile', 'nothing flushed', writeFile),
  flocked('flock, written over', 'nothing flushed', 'none'),
  sqlite('SQLite, synchronous OFF', 'nothing flushed', 'OFF'),
  lmdb('LMDB, noSync', 'nothing flushed', false),
]

function cellUpdate(name: string, promised: Promised, durability: Durability): CounterEntry {
  const openAsCounter = async (directory: string): Promise<Counter> => {
    const store = await open(directory, { durability })
    const cell = store.cell('counter')
    return counterOf(
      () => cell.update(nextOf),
      async () => valueOf((await cell.read()).value),
      () => store.close(),
    )
  }
  return { name, promised, open: openAsCounter }
}

/** A value that is read and written while a lease is held. */
function lockedStore(name: string, promised: Promised, durability: Durability): CounterEntry {
  const openAsCounter = async (directory: string): Promise<Counter> => {
    const store = await open(directory, { durability })
    const add = async (): Promise<void> => {
      await store.set('counter', nextOf(await store.get('counter')))
    }
    return counterOf(
      () => store.lock('counter', add),
      async () => valueOf(await store.get('counter')),
      () => store.close(),
    )
  }
  return { name, promised, open: openAsCounter }
}

/** A file that is read and written while proper-lockfile's directory beside it is there. */
function lockedFile(
  name: string,
  promised: Promised,
  write: (path: string, value: string) => Promise<unknown>,
): CounterEntry {
  const openAsCounter = async (directory: string): Promise<Counter> => {
    const path = join(directory, 'counter')
    await writeFile(path, '', { flag: 'a' })
    const read = async (): Promise<string> => (await readFile(path, 'utf8')) || '0'
    const add = async (): Promise<void> => {
      let loss: Error | undefined
      // Unless it is told what to do when it finds its lock gone, it ends the process.
      const onCompromised = (error: Error): void => void (loss = error)
      const unlock = await lock(path, { realpath: false, retries: RETRIES, onCompromised })
      try {
        await write(path, nextOf(await read()))
      } finally {
        await unlock()
      }
      if (loss !== undefined) throw loss
    }
    return counterOf(add, async () => valueOf(await read()))
  }
  return { name, promised, open: openAsCounter }
}

function flocked(name: string, promised: Promised, mode: FlockMode): CounterEntry {
  const openAsCounter = async (directory: string, tools: string): Promise<Counter> =>
    flockCounter(await flockProgram(tools), directory, mode)
  return { name, promised, open: openAsCounter }
}

function sqlite(name: string, promised: Promised, synchronous: 'FULL' | 'OFF'): CounterEntry {
  return { name, promised, open: (directory) => sqliteCounter(directory, synchronous) }
}

function lmdb(name: string, promised: Promised, isFlushed: boolean): CounterEntry {
  return { name, promised, open: (directory) => lmdbCounter(directory, isFlushed) }
}

/** Opens a counter of the table in a directory, which is made if need be. */
export async function openCounter(
  { open: openAsCounter }: CounterEntry,
  directory: string,
  tools: string,
): Promise<Counter> {
  await mkdir(directory, { recursive: true })
  return await openAsCounter(directory, tools)
}
