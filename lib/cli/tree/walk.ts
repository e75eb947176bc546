import { isUtf8 } from 'node:buffer'
import type { Dirent } from 'node:fs'
import fs from 'fs-extra'
import { hasCode, reasonOf } from '../failure.js'

/** Something in a directory tree. */
export interface TreeEntry {
  /** The path within the tree, with slashes. */
  readonly name: string
  /** `directory`: an empty one. `unusable`: nothing a store can keep. */
  readonly kind: 'file' | 'symlink' | 'directory' | 'unusable'
  /** Why it is unusable. */
  readonly reason: string
}

/**
 * Walks a directory tree: its files, its symbolic links (which are not followed), its empty
 * directories, and what is neither.
 *
 * @param root - the directory
 * @param excluded - a path within the tree that is left out without a word
 */
export async function* walkTree(
  root: string,
  excluded: string | undefined,
): AsyncGenerator<TreeEntry> {
  const ahead = ['']
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    const entries = await readDirectory(root, name)
    if (!Array.isArray(entries)) {
      yield entries
      continue
    }
    if (entries.length === 0 && name !== '') yield { name, kind: 'directory', reason: '' }
    for (const entry of entries) {
      const found = entryOf(name, entry)
      if (found.name === excluded) continue
      if (found.kind === 'directory') ahead.push(found.name)
      else yield found
    }
  }
}

async function readDirectory(root: string, name: string): Promise<Dirent<Buffer>[] | TreeEntry> {
  try {
    const how = { encoding: 'buffer', withFileTypes: true } as const
    return await fs.readdir(name === '' ? root : `${root}/${name}`, how)
  } catch (error) {
    if (name === '') throw error
    const hasGone = hasCode(error, 'ENOENT', 'ENOTDIR')
    const reason = hasGone ? 'it vanished meanwhile' : reasonOf(error)
    return { name, kind: 'unusable', reason }
  }
}

function entryOf(parent: string, entry: Dirent<Buffer>): TreeEntry {
  const own = entry.name.toString('utf8')
  const name = parent === '' ? own : `${parent}/${own}`
  if (!isUtf8(entry.name)) return unusable(name, 'its name is not UTF-8')
  if (entry.isFile()) return { name, kind: 'file', reason: '' }
  if (entry.isDirectory()) return { name, kind: 'directory', reason: '' }
  if (entry.isSymbolicLink()) return { name, kind: 'symlink', reason: '' }
  return unusable(name, `it is ${kindOf(entry)}`)
}

function unusable(name: string, reason: string): TreeEntry {
  return { name, kind: 'unusable', reason }
}

function kindOf(entry: Dirent<Buffer>): string {
  if (entry.isFIFO()) return 'a pipe'
  if (entry.isSocket()) return 'a socket'
  if (entry.isBlockDevice() || entry.isCharacterDevice()) return 'a device'
  return 'no file'
}
