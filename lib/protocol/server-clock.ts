/**
 * How finely a server tells its changes apart. On NFS 4 each change of a directory has a number;
 * on NFS 3 it has a time, and two changes within one tick of the server's clock (some
 * milliseconds) have the same, so that a host may miss the second until there is a third.
 *
 *     1  read the table of mounts (proc(5)), once for each opened store
 *
 * `statfs` does not tell the versions apart. Where the table cannot be read, the worse is taken
 * for granted. It writes nothing, so a crash leaves nothing.
 */
import { constants as fsConstants } from 'node:fs'
import { errnoOf } from '../errors.js'
import { close, open, read, type Operation } from '../drivers/effects.js'
import { mountOf, parseMountTable } from '../format/mount-table.js'
import type { Context } from './context.js'

const PIECE_BYTES = 64 * 1024

/** Whether this store's server may tell two changes as one. */
export function* isCoarse(context: Context): Operation<boolean> {
  context.coarse ??= yield* isNfs3(context.root)
  return context.coarse
}

function* isNfs3(root: string): Operation<boolean> {
  try {
    const table = parseMountTable(yield* textOf('/proc/self/mountinfo'))
    return mountOf(table, root, yield* mountIdOf(root))?.type !== 'nfs4'
  } catch (error) {
    if (errnoOf(error) === 0) throw error
    return true
  }
}

/** The number of the mount that a directory is on, whatever links lead there. */
function* mountIdOf(directory: string): Operation<number | undefined> {
  const fd = yield* open(directory, fsConstants.O_RDONLY)
  try {
    const id = /^mnt_id:\s*(\d+)/m.exec(yield* textOf(`/proc/self/fdinfo/${fd}`))?.[1]
    return id === undefined ? undefined : Number(id)
  } finally {
    yield* close(fd)
  }
}

/** The text of a file whose size is not known before it is read. */
function* textOf(path: string): Operation<string> {
  const fd = yield* open(path, fsConstants.O_RDONLY)
  try {
    const pieces: Buffer[] = []
    for (let position = 0; ;) {
      const piece = Buffer.allocUnsafe(PIECE_BYTES)
      const count = yield* read(fd, piece, 0, PIECE_BYTES, position)
      if (count === 0) return Buffer.concat(pieces).toString()
      pieces.push(piece.subarray(0, count))
      position += count
    }
  } finally {
    yield* close(fd)
  }
}
