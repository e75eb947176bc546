import { isObjectName, isShardName } from '../../lib/key.js'
import type { Context } from '../../lib/protocol/context.js'
import { openStore } from '../../lib/protocol/open.js'
import type { FileSystem } from './file-system.js'
import { LocalMount } from './mount.js'
import { MOUNT_POINT, SystemCalls } from './system-calls.js'
import { runAlone } from './template.js'
import { perform, type Verb } from './verbs.js'
import type { World } from './world.js'

/** The keys that a scenario is about. */
export function keysOf({ scenario }: World): string[] {
  const keys = new Set(scenario.initial.keys())
  const note = (verb: Verb): void => {
    if ('key' in verb) keys.add(verb.key)
    if ('to' in verb) keys.add(verb.to)
  }
  for (const { programs } of scenario.cast) for (const program of programs) program.forEach(note)
  return [...keys]
}

/** The cells that a scenario is about. */
export function cellsOf({ scenario }: World): string[] {
  const verbs = scenario.cast.flatMap(({ programs }) => programs.flat())
  return [...new Set(verbs.flatMap((verb) => ('cell' in verb ? verb.cell : [])))]
}

/** Stands before the name of a cell where what was found is told. */
export const CELL = 'cell '

/** What a process that comes later reads, of keys and of cells, from a file system as it is. */
export function observe(world: World, fileSystem: FileSystem): Map<string, string | undefined> {
  const verbs = new Map<string, Verb>()
  for (const key of keysOf(world)) verbs.set(key, { kind: 'read', key })
  for (const cell of cellsOf(world)) verbs.set(CELL + cell, { kind: 'read cell', cell })
  const calls = new SystemCalls(new LocalMount(fileSystem))
  const how = { ...world.template.how, create: false, readOnly: true, reads: 'open' } as const
  const found = new Map<string, string | undefined>()
  try {
    const opened = runAlone(calls, openStore(MOUNT_POINT, how))
    const context: Context = { ...opened, now: () => world.nowMs }
    for (const [name, verb] of verbs) found.set(name, readOne(calls, context, verb))
  } catch (error) {
    for (const name of verbs.keys()) found.set(name, `unreadable: ${String(error)}`)
  }
  return found
}

function readOne(calls: SystemCalls, context: Context, verb: Verb): string | undefined {
  try {
    return runAlone(calls, perform(context, verb)) as string | undefined
  } catch (error) {
    return `unreadable: ${String(error)}`
  }
}

/** What should not be there when all is over: private names of the living, and anything strange. */
export function leftovers(world: World): string | undefined {
  const { fileSystem, processes } = world
  for (const { index, isDead, context, calls } of processes) {
    if (isDead || world.mayLeaveNames) continue
    if (calls.openCount > 0) return `process ${index} left ${calls.openCount} descriptors open`
    const path = context?.instance?.path
    const own = path === undefined ? undefined : fileSystem.resolve(path)
    // What could not be put back in its place is the sweep's to put back.
    const cached = context?.cache?.values().map(({ privatePath }) => privatePath) ?? []
    const isLeft = (name: string): boolean =>
      !(world.hadFault && name.endsWith('.live')) && !cached.includes(`${path}/${name}`)
    const left = own === undefined ? [] : [...fileSystem.inode(own).names.keys()].filter(isLeft)
    if (left.length > 0) return `process ${index} left private names: ${left.join(', ')}`
  }
  return stranger(fileSystem, fileSystem.root, 0)
}

/** What is no object in a shard, and no shard where shards are. */
function stranger(fileSystem: FileSystem, directory: number, depth: number): string | undefined {
  for (const [name, number] of fileSystem.inode(directory).names) {
    if (depth === 0 && (name.startsWith('.') || name === 'linkstore.json')) continue
    if (depth === 2 ? !isObjectName(name) : !isShardName(name)) return `${name} was left behind`
    // Where objects are cells, what is in them is for their judge.
    const below = depth === 2 ? undefined : stranger(fileSystem, number, depth + 1)
    if (below !== undefined) return below
  }
  return undefined
}
