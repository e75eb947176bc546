import { relative } from 'node:path'
import fs from 'fs-extra'
import { hasCode, LocalFileError } from '../failure.js'

/** The true path of a directory that must be there. */
export async function requireDirectory(path: string): Promise<string> {
  try {
    const root = await fs.realpath(path)
    if ((await fs.stat(root)).isDirectory()) return root
  } catch (error) {
    throw new LocalFileError('read', path, error)
  }
  throw new LocalFileError('read', path, new Error('it is not a directory'))
}

/** The true path of a directory that is made if it is not there. */
export async function makeDirectory(path: string): Promise<string> {
  try {
    await fs.ensureDir(path)
  } catch (error) {
    const isFile = hasCode(error, 'EEXIST', 'ENOTDIR')
    throw new LocalFileError('write', path, isFile ? new Error('it is not a directory') : error)
  }
  return await requireDirectory(path)
}

/**
 * The path of `inner` below `outer`: empty if they are the same, undefined if it is elsewhere, or
 * one of them is no directory.
 */
export async function pathWithin(
  outer: string | undefined,
  inner: string | undefined,
): Promise<string | undefined> {
  if (outer === undefined || inner === undefined) return undefined
  const path = relative(await fs.realpath(outer), await fs.realpath(inner))
  return path === '..' || path.startsWith('../') ? undefined : path
}
