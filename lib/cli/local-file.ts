import { createReadStream, fstatSync, type Stats } from 'node:fs'
import { access, constants, realpath, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode, isStoreError, LocalFileError } from './failure.js'

const PIECE_BYTES = 256 * 1024

type Pieces = AsyncIterable<Uint8Array>

/** The bytes of a local file; `-` is standard input. */
export async function* localPieces(path: string): AsyncGenerator<Uint8Array> {
  try {
    if (path === '-') yield* standardInput()
    else yield* createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>
  } catch (error) {
    // As it is, the store would take it for one of its own.
    throw new LocalFileError('read', path === '-' ? 'standard input' : path, error)
  }
}

/** Where it is a directory, Node makes it an empty stream. */
function standardInput(): AsyncIterable<Buffer> {
  if (fstatSync(0).isDirectory()) throw new Error('it is a directory')
  return process.stdin
}

/** Fails if a file could not be written there, before anything is done that cannot be undone. */
export async function requireWritable(path: string): Promise<void> {
  try {
    const found = await statOf(path)
    if (found?.isDirectory() === true) throw new Error('it is a directory')
    const isNew = found === undefined
    const isReplaced = isNew || found.isFile()
    const place = isReplaced ? dirname(isNew ? path : await realpath(path)) : path
    await access(place, constants.W_OK)
  } catch (error) {
    throw new LocalFileError('write', path, error)
  }
}

/**
 * Writes a local file, wholly or not at all: it replaces what is there when it is complete, and
 * keeps its mode and owner. A pipe or a device is written into instead.
 */
export async function saveLocal(path: string, pieces: Pieces): Promise<void> {
  try {
    const found = await statOf(path)
    if (found === undefined || found.isFile()) await replaceFile(path, pieces)
    else await writeFile(path, pieces)
  } catch (error) {
    // The store's own errors say more.
    throw isStoreError(error) ? error : new LocalFileError('write', path, error)
  }
}

async function replaceFile(path: string, pieces: Pieces): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic')
  // It waits for this hook, so that any length can be streamed into its temporary file. Given
  // the bytes themselves it would overlook a short write.
  const fill = (temporary: string): Promise<void> => writeFile(temporary, pieces)
  const tmpfileCreated = fill as (temporary: string) => void
  await writeFileAtomic(path, '', { tmpfileCreated })
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
