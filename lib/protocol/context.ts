import type { Format } from '../format/marker.js'
import { splitHash, type ObjectKey } from '../key.js'
import type { Instance } from './private-names.js'
import type { ValueCache } from './value-cache.js'

/**
 * What a write promises once it is acknowledged.
 *
 * - `full`: survives a power cut (file and directories are flushed).
 * - `file`: the value is flushed, its name not: after a power cut the last writes may be missing
 *   or old, none is torn.
 * - `none`: survives the death of the process only; after a power cut recent objects may be
 *   old, missing or empty, which a read reports as `CORRUPT`.
 */
export type Durability = 'full' | 'file' | 'none'

/** What the protocol knows of the world besides its file system. */
export interface Environment {
  /** The name of this host, fit for a file name. */
  readonly host: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** 16 random bytes, in hex. */
  readonly randomId: () => string
}

/** All that the operations of one opened store share. No I/O happens here. */
export interface Context extends Environment {
  readonly root: string
  readonly format: Format
  /** Whether each object is a cell, so that writes may depend on what is there. */
  readonly isConditional: boolean
  readonly durability: Durability
  /** Whether the file system is known to be one of this machine alone. */
  readonly isLocal: boolean
  /** Whether directories are revalidated before they are believed (NFS and the unknown). */
  readonly fresh: boolean
  /**
   * Whether hosts may miss one of two changes that fall into one tick of the server's clock, as
   * on NFS 3; undefined until somebody needs to know (server-clock.ts).
   */
  coarse: boolean | undefined
  /** Whether a flushed directory means anything; an NFS server commits names by itself. */
  readonly syncsDirectories: boolean
  readonly fileMode: number | undefined
  readonly dirMode: number | undefined
  /** A path that exists as long as the root is the store: its marker. */
  readonly landmark: string
  /** How values are pinned; falls to `open` for good where hard links cannot be had. */
  reads: 'link' | 'open'
  /** Why nothing may be written; undefined when all may. */
  readOnly: string | undefined
  /** Known to hold, or to have held, objects that expire; never becomes false again. */
  expiring: boolean
  /** This store's own directory for private names; undefined until the first is needed. */
  instance: Instance | undefined
  /** Values that are kept in memory; undefined: none are. */
  readonly cache: ValueCache | undefined
  /** How much the first read of an object asks for, so that a smaller one is fetched whole. */
  scratchBytes: number
  /** Buffers of `scratchBytes` that are free. */
  readonly scratch: Buffer[]
}

/** What {@link Context.scratchBytes} begins with, and what it can grow to. */
export const SCRATCH_BYTES = 64 * 1024
const MOST_SCRATCH_BYTES = 128 * 1024

/** Where an object lies. */
export interface ObjectPath {
  /** The key; undefined where the object was found by listing and has not been read yet. */
  readonly key: string | undefined
  readonly hash: string
  /** `root/aa` */
  readonly outer: string
  /** `root/aa/bb`, the shard directory */
  readonly shard: string
  /** `root/aa/bb/rest` */
  readonly path: string
}

/** Whether other hosts may change what is here, and this one remember what was before. */
export function isShared({ isLocal, fresh }: Context): boolean {
  return !isLocal || fresh
}

/** Where the object of a key lies. */
export function locate(context: Context, key: ObjectKey): ObjectPath {
  return locateHash(context, key.hash, key.text)
}

/** Where the object of a hash lies. */
export function locateHash(context: Context, hash: string, key?: string): ObjectPath {
  return locateUnder(context.root, hash, key)
}

/** Where a hash has its place under a directory. */
export function locateUnder(base: string, hash: string, key?: string): ObjectPath {
  const [outerName, innerName, rest] = splitHash(hash)
  const outer = `${base}/${outerName}`
  const shard = `${outer}/${innerName}`
  return { key, hash, outer, shard, path: `${shard}/${rest}` }
}

/** A buffer of {@link Context.scratchBytes} that nobody else uses until it is returned. */
export function takeScratch({ scratch, scratchBytes }: Context): Buffer {
  return scratch.pop() ?? Buffer.allocUnsafeSlow(scratchBytes)
}

/** Gives a buffer back; its bytes must not be used any more. */
export function returnScratch({ scratch, scratchBytes }: Context, buffer: Buffer): void {
  if (buffer.length === scratchBytes) scratch.push(buffer)
}

/** Where one object did not fit into the first read, the next may not either. */
export function noteSize(context: Context, fileBytes: number): void {
  if (fileBytes >= MOST_SCRATCH_BYTES) return
  while (context.scratchBytes <= fileBytes) {
    context.scratchBytes *= 2
    context.scratch.length = 0
  }
}
