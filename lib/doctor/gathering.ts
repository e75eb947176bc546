import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Facts } from './facts.js'
import { fileSystemOf, refusalOf } from './file-system.js'
import { mountOf, mountsBelow, parseMountTable } from '../format/mount-table.js'
import { valueOf, whyNot as explain, type Outcome } from './outcome.js'
import { Prober, type ProbeOptions } from './prober.js'
import * as abilities from './probes/abilities.js'
import { clockOffsetOf } from './probes/clock.js'
import { latencyOf } from './probes/latency.js'
import { leftoversOf } from './probes/leftovers.js'
import * as place from './probes/place.js'
import { Scratch } from './probes/scratch.js'

/** Probes that count or repeat stop in time to be heard. */
const SHARE_OF_TIME = 0.3
const MAX_TIME_MS = 3000

/** How many probes there are, for whoever shows how far they have come. */
export const PROBES = 16

/**
 * Probes a directory. Nothing of a store in it is touched, no store is made, and what the probes
 * need is removed again, also after an abort.
 *
 * @throws only the reason of an abort; what goes wrong is part of the facts
 */
export async function gather(directory: string, options: ProbeOptions): Promise<Facts> {
  const prober = new Prober(options)
  const asked = resolve(directory)
  const found = await prober.ask('the directory', () => place.placeOf(asked))
  const path = valueOf(found)?.path ?? asked
  const table = parseMountTable(await place.textOf('/proc/self/mountinfo'))
  const mount = mountOf(table, path, valueOf(found)?.mountId)
  const space = await prober.ask('free space', () => place.spaceOf(path), found)
  const contents = await prober.ask('what is there', () => place.contentsOf(path), found)
  const access = await prober.ask('permissions', () => place.accessTo(path), found)
  const refusal = refusalOf(fileSystemOf(mount, valueOf(space)?.type))
  const whyNot = refusal === undefined ? whyNotWrite(access) : 'this file system is refused'
  const user = await place.userOf()
  return {
    directory: asked,
    host: hostname(),
    checkedAtMs: Date.now(),
    user,
    mount,
    mountsBelow: mountsBelow(table, path),
    place: found,
    space,
    contents,
    access,
    ...(await probeByWriting(prober, new Scratch(path), whyNot, { access, user })),
  }
}

type Written = Pick<
  Facts,
  | 'scratch'
  | 'rename'
  | 'link'
  | 'exclusion'
  | 'apart'
  | 'fileFlush'
  | 'directoryFlush'
  | 'linkCount'
  | 'otherUser'
  | 'clock'
  | 'latency'
  | 'leftovers'
>

function whyNotWrite(access: Facts['access']): string | undefined {
  if (access.kind !== 'found') return 'the directory did not answer'
  return access.value === 'writable' ? undefined : 'nothing can be written here'
}

/** Runs what writes, and cleans up whatever comes of it. */
async function probeByWriting(
  prober: Prober,
  scratch: Scratch,
  whyNot: string | undefined,
  { access, user }: Pick<Facts, 'access' | 'user'>,
): Promise<Written & Pick<Facts, 'cleanUp'>> {
  if (whyNot !== undefined) {
    const skipped: Outcome<never> = { kind: 'skipped', reason: whyNot }
    return { ...(await probeIn(prober, scratch, skipped, { access, user })), cleanUp: skipped }
  }
  let written: Written
  try {
    const made = await prober.ask('writing', () => scratch.make())
    written = await probeIn(prober, scratch, made, { access, user })
  } catch (error) {
    const removed = await prober.cleanUp(() => scratch.remove())
    if (removed.kind === 'found') throw error
    const message = `${scratch.description} could not be removed: ${explain(removed)}`
    throw new Error(message, { cause: error })
  }
  return { ...written, cleanUp: await prober.cleanUp(() => scratch.remove()) }
}

async function probeIn(
  prober: Prober,
  scratch: Scratch,
  made: Outcome<string>,
  { access, user }: Pick<Facts, 'access' | 'user'>,
): Promise<Written> {
  const timeMs = Math.min(prober.timeoutMs * SHARE_OF_TIME, MAX_TIME_MS)
  const ask = <T>(label: string, probe: (signal: AbortSignal) => Promise<T>) =>
    prober.ask(label, probe, made)
  const clock = await ask('the clock', (signal) => clockOffsetOf(scratch, signal))
  const nowMs = Date.now() + (valueOf(clock)?.offsetMs ?? 0)
  return {
    scratch: made,
    clock,
    rename: await ask('rename', () => abilities.canRename(scratch)),
    link: await ask('hard links', () => abilities.canLink(scratch)),
    exclusion: await ask('write-if-absent', () => abilities.exclusionOf(scratch)),
    apart: await ask('one volume', (signal) => abilities.apartFrom(scratch.root, signal)),
    fileFlush: await ask('flushing a file', () => abilities.canFlushFile(scratch)),
    directoryFlush: await ask('flushing a directory', () => abilities.canFlush(scratch.farPath)),
    otherUser: await ask('other users', () => abilities.otherUserOf(scratch, user)),
    latency: await ask('latency', (signal) => latencyOf(scratch, timeMs, signal)),
    linkCount: await ask('the number of links', (signal) =>
      abilities.linkCountOf(scratch, timeMs, signal),
    ),
    leftovers: await prober.ask(
      'leftovers',
      (signal) => leftoversOf(scratch.root, scratch.names, nowMs, timeMs, signal),
      access,
    ),
  }
}
