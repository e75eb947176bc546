/** The table of what is measured against each other. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import writeFileAtomic from 'write-file-atomic'
import { open, openSync, type OpenOptions } from '../index.js'

/** Something that keeps values under names. */
export interface Subject {
  set(key: string, value: Buffer): Promise<unknown>
  get(key: string): Promise<Buffer | undefined>
  close(): Promise<void>
}

/** What a subject promises of a write once it is acknowledged, the strongest first. */
export type Promised = 'value and name flushed' | 'value flushed' | 'nothing flushed'

/** A subject, and how it takes part. */
export interface Entry {
  readonly name: string
  readonly open: (directory: string) => Promise<Subject>
  /** For writes: only those that promise the same are compared. Undefined: writes nothing. */
  readonly promised: Promised | undefined
  /** Whether its reads are measured; they do not depend on how a value was flushed. */
  readonly reads: boolean
  /** How many calls can be under way: a synchronous one has always returned. */
  readonly inFlight: readonly number[]
}

const ONE_OR_MANY = [1, 16]

const require = createRequire(import.meta.url)

/** All subjects. The first that makes a promise is what the others that make it are held to. */
export const SUBJECTS: readonly Entry[] = [
  linkstore('linkstore', 'value and name flushed', { durability: 'full' }, true),
  linkstore('linkstore, durability file', 'value flushed', { durability: 'file' }, false),
  linkstore('linkstore, durability none', 'nothing flushed', { durability: 'none' }, false),
  linkstore('linkstore, reads open', undefined, { reads: 'open', durability: 'none' }, true),
  linkstoreSync('linkstore sync', 'value and name flushed', { durability: 'full' }, true),
  linkstoreSync('linkstore sync, durability file', 'value flushed', { durability: 'file' }, false),
  linkstoreSync(
    'linkstore sync, durability none',
    'nothing flushed',
    { durability: 'none' },
    false,
  ),
  files('write-file-atomic', 'value flushed', false, (path, value) => writeFileAtomic(path, value)),
  files('write-file-atomic, fsync: false', 'nothing flushed', false, (path, value) =>
    writeFileAtomic(path, value, { fsync: false }),
  ),
  files('writeFile + rename', 'nothing flushed', false, writeAndRename),
  files('readFile', undefined, true, writeAndRename),
  lockedFiles('proper-lockfile', 'nothing flushed'),
]

/** Packages whose versions matter to the results. */
export const PACKAGES = ['linkstore', 'write-file-atomic', 'proper-lockfile', 'lmdb'] as const

/** The version of a package that is installed here; undefined if it is not. */
export function versionOf(name: (typeof PACKAGES)[number]): string | undefined {
  if (name === 'linkstore') return (require('linkstore/package.json') as Manifest).version
  // Not every package lets others import its manifest.
  const paths = (require.resolve.paths(name) ?? []).map((path) => join(path, name, 'package.json'))
  const path = paths.find((each) => existsSync(each))
  return path === undefined ? undefined : (require(path) as Manifest).version
}

interface Manifest {
  readonly version: string
}

function linkstore(
  name: string,
  promised: Promised | undefined,
  options: OpenOptions,
  reads: boolean,
): Entry {
  return { name, promised, reads, inFlight: ONE_OR_MANY, open: (path) => open(path, options) }
}

function linkstoreSync(
  name: string,
  promised: Promised,
  options: Omit<OpenOptions, 'signal'>,
  reads: boolean,
): Entry {
  const openAsSubject = (directory: string): Promise<Subject> => {
    const store = openSync(directory, options)
    return Promise.resolve({
      set: (key, value) => Promise.resolve(store.set(key, value)),
      get: (key) => Promise.resolve(store.get(key)),
      close: () => Promise.resolve(store.close()),
    })
  }
  return { name, promised, reads, inFlight: [1], open: openAsSubject }
}

/** Plain files, one per key, in one directory. */
function files(
  name: string,
  promised: Promised | undefined,
  reads: boolean,
  write: (path: string, value: Buffer) => Promise<unknown>,
): Entry {
  const openAsSubject = (directory: string): Promise<Subject> =>
    Promise.resolve({
      set: (key, value) => write(join(directory, key), value),
      get: (key) => readFile(join(directory, key)),
      close: () => Promise.resolve(),
    })
  return { name, promised, reads, inFlight: ONE_OR_MANY, open: openAsSubject }
}

/** The least that keeps readers from seeing half a file, if nobody else writes it meanwhile. */
async function writeAndRename(path: string, value: Buffer): Promise<void> {
  await writeFile(`${path}.tmp`, value)
  await rename(`${path}.tmp`, path)
}

/** Plain files, each guarded by a lock: the usual way where several processes share a file. */
function lockedFiles(name: string, promised: Promised): Entry {
  const locked = async <T>(path: string, use: () => Promise<T>): Promise<T> => {
    const unlock = await lock(path, { realpath: false })
    try {
      return await use()
    } finally {
      await unlock()
    }
  }
  const openAsSubject = (directory: string): Promise<Subject> =>
    Promise.resolve({
      set: (key, value) => {
        const path = join(directory, key)
        return locked(path, () => writeFile(path, value))
      },
      get: (key) => {
        const path = join(directory, key)
        return locked(path, () => readFile(path))
      },
      close: () => Promise.resolve(),
    })
  return { name, promised, reads: true, inFlight: ONE_OR_MANY, open: openAsSubject }
}
