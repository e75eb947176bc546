/**
 * Which steps need not be tried at every place in the order, since no other process can notice
 * them, nor do they notice what another does. Most of what the protocol does is of this kind: it
 * works on private names, and on directories that nobody changes any more.
 */
import { constants as fsConstants } from 'node:fs'
import type { Effect } from '../../lib/drivers/effects.js'
import { splitHash, toObjectKey } from '../../lib/key.js'
import { EXPIRING_NAME } from '../../lib/protocol/expire.js'
import type { OpenFile } from './mount.js'
import { keysOf } from './observation.js'
import type { Process, Thread } from './process.js'
import { isPrivate, MOUNT_POINT } from './system-calls.js'
import type { Verb } from './verbs.js'
import type { World } from './world.js'

/** Whether all orders in which a step may come among those of others give the same. */
export function isPrivateStep(world: World, process: Process, thread: Thread): boolean {
  const { scenario, faultsLeft } = world
  if (scenario.everyStep || thread.steps !== undefined) return false
  const { effect } = thread
  // A verb that begins looks at the clock, perhaps; whoever takes the step sees whether it did.
  if (effect === undefined) return true
  if (faultsLeft.errors > 0 || faultsLeft.aborts > 0 || effect.call === 'pause') return false
  return typeof effect.values[0] === 'number'
    ? isPrivateUse(world, process, effect.call, effect.values[0])
    : isPrivateCall(world, process, effect, effect.values[0] as string)
}

/** The same for a call on a descriptor. */
function isPrivateUse(world: World, process: Process, call: string, fd: number): boolean {
  const inode = process.calls.inodeOf(fd)
  if (call === 'write' || call === 'writev') return !inode.isShared && !isWatched(world, process)
  if (!inode.isShared || world.scenario.place === 'local') return true
  // On NFS a file may be gone, unless a name of ours holds it.
  const file = process.calls.fileOf(fd)
  return file === undefined ? call === 'close' : isHeld(world, file)
}

function isHeld({ fileSystem }: World, { directory, name, inode }: OpenFile): boolean {
  const { isShared, names } = fileSystem.inode(directory)
  return !isShared && names.get(name) === inode
}

function isPrivateCall(world: World, process: Process, effect: Effect, path: string): boolean {
  const other = effect.values[1]
  switch (effect.call) {
    case 'open':
      if (((other as number) & fsConstants.O_DIRECTORY) !== 0) return isSteady(world, path)
      return path === process.context?.landmark || isPrivateOpen(world, process, path)
    case 'lstat':
      if (path.endsWith(`/${EXPIRING_NAME}`)) return isSteady(world, MOUNT_POINT)
      return isOwn(world, process, path) || path === process.context?.landmark
    case 'unlink':
      return isOwn(world, process, path) && !isKnown(world, path)
    case 'mkdir':
    case 'rmdir':
    case 'readdir':
    case 'chmod':
      return isOwn(world, process, path)
    case 'rename':
    case 'link':
      return isOwn(world, process, path) && isOwn(world, process, other as string)
    case 'statfs':
    case 'access':
      return true
    default:
      return false
  }
}

/** Whether a sweep may look at the private names of a process, or take them. */
function isWatched({ fileSystem, faultsLeft, scenario }: World, process: Process): boolean {
  if (!fileSystem.tracksTimes) return false
  const mayAge = !process.sweeps && (process.isAged || faultsLeft.stops > 0)
  return mayAge || scenario.ticksMs.length > 0
}

/** Whether a path is the process's own directory for private names, or in it. */
function isOwn(world: World, process: Process, path: string): boolean {
  const own = process.context?.instance?.path
  if (isWatched(world, process)) return false
  return own !== undefined && (path.startsWith(`${own}/`) || path === own) && isPrivate(path)
}

/** On NFS, what a host takes for the file of a private name may be another, and may be gone. */
function isPrivateOpen(world: World, process: Process, path: string): boolean {
  if (!isOwn(world, process, path)) return false
  const mount = world.nfsOf(process)
  const end = path.lastIndexOf('/')
  const directory = world.fileSystem.resolve(path.slice(0, end))
  if (mount === undefined || directory === undefined) return true
  return mount.isRight(directory, path.slice(end + 1))
}

/** Whether others may know the inode of a private name, so that its number of names matters. */
function isKnown(world: World, path: string): boolean {
  const number = world.fileSystem.resolve(path)
  if (number === undefined) return false
  const { isShared, links } = world.fileSystem.inode(number)
  if (!isShared || world.scenario.place !== 'local' || links > 1) return isShared
  // Its last name: nobody finds it any more, but for those who have looked it up already.
  return world.processes.some(({ threads }) =>
    threads.some(({ steps, half }) => steps !== undefined && half === number),
  )
}

/** Whether a directory has all the entries that it ever gets in this scenario. */
function isSteady(world: World, path: string): boolean {
  const { scenario, fileSystem } = world
  const isThere = (entry: string): boolean => fileSystem.resolve(entry) !== undefined
  if (!isThere(path)) return false
  if (scenario.place === 'local' && path !== MOUNT_POINT) return true
  const depth = path.split('/').length - 2
  if (depth > 1) return false
  const shards = keysOf(world).map((key) => {
    const [outer, inner] = splitHash(toObjectKey(key).hash)
    return depth === 0 ? `${MOUNT_POINT}/${outer}` : `${MOUNT_POINT}/${outer}/${inner}`
  })
  if (!shards.filter((shard) => shard.startsWith(path)).every(isThere)) return false
  if (depth === 1) return true
  const expiring = `${MOUNT_POINT}/${EXPIRING_NAME}`
  return isThere(`${MOUNT_POINT}/.tmp`) && (isThere(expiring) || !makesExpiring(world))
}

function makesExpiring({ scenario }: World): boolean {
  const expires = (verb: Verb): boolean =>
    'key' in verb && 'value' in verb && (verb.value.expiresAtMs ?? verb.value.ttlMs) !== undefined
  return scenario.cast.some(({ programs }) => programs.some((program) => program.some(expires)))
}
