import type { Context } from '../../lib/protocol/context.js'
import { openStore } from '../../lib/protocol/open.js'
import type { FileSystem } from './file-system.js'
import { LocalMount } from './mount.js'
import type { Process } from './process.js'
import { MOUNT_POINT, SystemCalls } from './system-calls.js'
import { runAlone } from './template.js'
import { perform } from './verbs.js'
import type { World } from './world.js'

const LONG_MS = 1_000_000

/**
 * Makes a process look as if it had not done anything for longer than any sweep waits, while
 * all others did. It may be dead, or be going to wake.
 */
export function age({ fileSystem }: World, process: Process): void {
  process.isAged = true
  const path = process.context?.instance?.path
  const directory = path === undefined ? undefined : fileSystem.resolve(path)
  if (directory === undefined) return
  const own = fileSystem.inode(directory)
  own.mtimeMs = -LONG_MS
  for (const number of own.names.values()) {
    const inode = fileSystem.inode(number)
    if (inode.links === 1) inode.mtimeMs = -LONG_MS
  }
}

/** A sweep long after all is over; returns what is left of private names. */
export function sweepAtEnd(world: World, fileSystem: FileSystem): string[] {
  fileSystem.nowMs = LONG_MS
  const calls = new SystemCalls(new LocalMount(fileSystem))
  const opened = runAlone(calls, openStore(MOUNT_POINT, world.template.how))
  const context: Context = { ...opened, now: () => world.nowMs }
  const graceMs = LONG_MS - world.nowMs - 1
  const sweep = perform(context, { kind: 'sweep', graceMs })
  runAlone(calls, world.scenario.mutate?.(sweep) ?? sweep)
  const own = context.instance?.path
  const directory = fileSystem.resolve(`${MOUNT_POINT}/.tmp`)
  const left = directory === undefined ? [] : [...fileSystem.inode(directory).names.keys()]
  return left.filter((name) => own?.endsWith(name) !== true)
}
