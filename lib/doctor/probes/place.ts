import { constants } from 'node:fs'
import { access, open, opendir, readdir, readFile, realpath, statfs } from 'node:fs/promises'
import { decodeMarker, MARKER_NAME } from '../../format/marker.js'
import { isShardName } from '../../key.js'
import { isFurniture, isStoreEntry } from '../../protocol/root.js'
import type { Access, Contents, Place, Space, User } from '../facts.js'
import { codeOf } from '../outcome.js'

const MAX_MARKER_BYTES = 64 * 1024
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY

/** Finds the directory. */
export async function placeOf(directory: string): Promise<Place> {
  const path = await realpath(directory)
  await using handle = await open(path, DIRECTORY)
  const { uid, gid, mode } = await handle.stat()
  return { path, uid, gid, mode: mode & 0o7777, mountId: await mountIdOf(handle.fd) }
}

/** Free bytes and inodes. */
export async function spaceOf(path: string): Promise<Space> {
  const { type, bsize, blocks, bavail, files, ffree } = await statfs(path)
  return {
    type,
    totalBytes: blocks * bsize,
    freeBytes: bavail * bsize,
    totalInodes: files,
    freeInodes: ffree,
  }
}

/** Whether the directory is a store, or can become one; ends at the first strange file. */
export async function contentsOf(path: string): Promise<Contents> {
  const marker = await markerIn(path)
  if (marker !== undefined) return marker
  let shards = 0
  for await (const { name } of await opendir(path)) {
    if (isShardName(name) && (await holdsShards(`${path}/${name}`))) shards += 1
    else if (!isFurniture(name) && (isShardName(name) || !isStoreEntry(name))) {
      return { kind: 'other', example: name }
    }
  }
  return shards === 0 ? { kind: 'empty' } : { kind: 'store', format: 'raw', marked: false }
}

/** Whether this user may change the directory. */
export async function accessTo(path: string): Promise<Access> {
  try {
    await access(path, constants.W_OK | constants.X_OK)
    return 'writable'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EROFS') return 'read-only'
    if (code === 'EACCES' || code === 'EPERM') return 'forbidden'
    throw error
  }
}

/** Who runs this program, as the kernel has it; the names of users may not be known here. */
export async function userOf(): Promise<User | undefined> {
  const text = await textOf('/proc/self/status')
  const numbers = (name: string): number[] => {
    const [, list = ''] = new RegExp(`^${name}:(.*)$`, 'm').exec(text) ?? []
    return list.trim().split(/\s+/).filter(Boolean).map(Number)
  }
  // The second of four is the effective one.
  const [[, uid], [, gid]] = [numbers('Uid'), numbers('Gid')]
  if (uid === undefined || gid === undefined) return undefined
  return { uid, gid, groups: numbers('Groups') }
}

/** The text of one of the kernel's own files; empty where it has none. */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return ''
  }
}

async function mountIdOf(fd: number): Promise<number | undefined> {
  const [, id] = /^mnt_id:\s*(\d+)$/m.exec(await textOf(`/proc/self/fdinfo/${fd}`)) ?? []
  return id === undefined ? undefined : Number(id)
}

async function markerIn(path: string): Promise<Contents | undefined> {
  let bytes: Buffer
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK
    await using handle = await open(`${path}/${MARKER_NAME}`, flags)
    if (!(await handle.stat()).isFile()) return { kind: 'unreadable', reason: 'it is no file' }
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_MARKER_BYTES))
    bytes = buffer.subarray(0, bytesRead)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const reading = decodeMarker(bytes)
  switch (reading.kind) {
    case 'format':
      return { kind: 'store', format: reading.format, marked: true }
    case 'newer':
      return { kind: 'unreadable', reason: `it has format version ${reading.version}` }
    case 'unreadable':
      return { kind: 'unreadable', reason: reading.reason }
  }
}

async function holdsShards(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).every(isShardName)
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return false
    throw error
  }
}
