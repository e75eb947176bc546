import type { Operation } from '../../lib/drivers/effects.js'
import { MARKER_NAME } from '../../lib/format/marker.js'
import { toObjectKey } from '../../lib/key.js'
import { locate, type Context, type Environment } from '../../lib/protocol/context.js'
import { openStore, type OpenHow } from '../../lib/protocol/open.js'
import { privateName } from '../../lib/protocol/private-names.js'
import { statVersioned } from '../../lib/protocol/versioned.js'
import { FileSystem } from './file-system.js'
import { LocalMount, type Mount } from './mount.js'
import { NfsMount } from './nfs.js'
import { START_MS, type Scenario } from './scenario.js'
import { MOUNT_POINT, SystemCalls } from './system-calls.js'
import { perform } from './verbs.js'

/** The start of a scenario, from which every run of it sets out. */
export interface Template {
  readonly scenario: Scenario
  readonly fileSystem: FileSystem
  /** By host. */
  readonly mounts: readonly Mount[]
  /** By process; undefined where it has to open the store first. */
  readonly contexts: readonly (Context | undefined)[]
  /** How a process opens the store. */
  readonly how: OpenHow
}

/** What no process of a scenario is: the one that prepares it, and looks at what it leaves. */
export const OBSERVER = 90
/** Who holds objects that are pinned from the start. */
const HOLDER = 91

const NOWHERE: Environment = {
  host: 'observer',
  now: () => START_MS,
  randomId: () => OBSERVER.toString(16).padStart(32, '0'),
}

/** Prepares a scenario: makes the store, its first objects, and what the processes have opened. */
export function prepare(scenario: Scenario): Template {
  const fileSystem = new FileSystem()
  fileSystem.actor = OBSERVER
  fileSystem.nowMs = START_MS
  fileSystem.tracksTimes = scenario.cast.some(({ programs }) =>
    programs.some((program) => program.some(({ kind }) => kind === 'sweep')),
  )
  fileSystem.journal = scenario.powerCut ?? 'one'
  fileSystem.reusesNumbers = scenario.isCached
  const how = howToOpen(scenario)
  if (scenario.opened || scenario.initial.size + scenario.cells.size > 0) {
    const calls = new SystemCalls(new LocalMount(fileSystem))
    const context = runAlone(calls, openStore(MOUNT_POINT, { ...how, durability: 'none' }))
    for (const [key, value] of scenario.initial) {
      runAlone(calls, perform(context, { kind: 'write', key, value }))
    }
    for (const [cell, values] of scenario.cells) {
      for (const value of values)
        runAlone(calls, perform(context, { kind: 'update cell', cell, value }))
    }
    if (scenario.pinned) pinAll(fileSystem)
  }
  const mounts = mountsOf(scenario, fileSystem)
  const contexts = scenario.cast.map(({ host }, process) => {
    if (!scenario.opened) return undefined
    fileSystem.actor = process
    return openFor(mounts[host] as Mount, how, environmentOf(scenario, process))
  })
  for (const [process, verb] of scenario.setup) {
    fileSystem.actor = process
    const mount = mounts[scenario.cast[process]?.host ?? 0] as Mount
    runAlone(new SystemCalls(mount), perform(contexts[process] as Context, verb))
  }
  fileSystem.settle()
  fileSystem.ticksByItself = scenario.ticksByItself
  fileSystem.clock += 1
  fileSystem.limits = scenario.limits
  return { scenario, fileSystem, mounts, contexts, how }
}

/** The version that an object of a conditional store has at the start of a scenario. */
export function startVersion(scenario: Scenario, key: string): string {
  const { mounts, contexts } = prepare(scenario)
  const [context] = contexts
  if (mounts[0] === undefined || context === undefined) throw new Error('nobody has opened it')
  const object = locate(context, toObjectKey(key))
  const info = runAlone(new SystemCalls(mounts[0]), statVersioned(context, object))
  if (info?.version === undefined) throw new Error(`there is no object ${key} at the start`)
  return info.version
}

/** The first random ids of a process; a run goes on with others. */
export function randomId(scenario: Scenario, process: number, count: number): string {
  const who = scenario.sameRandomIds ? 0 : process + 1
  return `${who.toString(16).padStart(4, '0')}${count.toString(16).padStart(28, '0')}`
}

/** Runs an operation to its end, with nobody else about. */
export function runAlone<T>(calls: SystemCalls, operation: Operation<T>): T {
  let step = operation.next()
  while (step.done !== true) {
    const { call, values } = step.value
    if (call === 'background') runAlone(calls, values[0] as Operation<void>)
    if (call === 'background' || call === 'checkpoint' || call === 'pause') {
      step = operation.next()
      continue
    }
    const answer = attempt(calls, step.value)
    step = 'error' in answer ? operation.throw(answer.error) : operation.next(answer.result)
  }
  return step.value
}

function attempt(
  calls: SystemCalls,
  effect: Parameters<SystemCalls['perform']>[0],
): { readonly result: unknown } | { readonly error: unknown } {
  try {
    const steps = calls.perform(effect)
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    return { result: step.value }
  } catch (error) {
    return { error }
  }
}

function howToOpen(scenario: Scenario): OpenHow {
  const { place, format, isConditional, durability, reads, fresh, dirMode } = scenario
  const fixed = { create: true, fileMode: undefined, readOnly: false, environment: NOWHERE }
  const coarse = place === 'nfs3'
  const cache = scenario.isCached ? { maxBytes: 1_000_000, maxValues: 100 } : undefined
  return { format, isConditional, cache, durability, reads, fresh, dirMode, coarse, ...fixed }
}

function mountsOf({ place, cast, lookupCache }: Scenario, fileSystem: FileSystem): Mount[] {
  if (place === 'local') {
    const mount = new LocalMount(fileSystem)
    return cast.map(() => mount)
  }
  const version = place === 'nfs4' ? 4 : 3
  return Array.from({ length: Math.max(...cast.map(({ host }) => host)) + 1 }, () => {
    return new NfsMount(fileSystem, version, lookupCache)
  })
}

/** Opens the store and makes the directory for private names, as a process that has run has. */
function openFor(mount: Mount, how: OpenHow, environment: Environment): Context {
  const calls = new SystemCalls(mount)
  const context = runAlone(calls, openStore(MOUNT_POINT, { ...how, environment }))
  runAlone(calls, privateName(context))
  return context
}

function environmentOf(scenario: Scenario, process: number): Environment {
  return { ...NOWHERE, host: 'host', randomId: () => randomId(scenario, process, 0) }
}

/** Gives every object a second name, as a reader that has pinned it does. */
function pinAll(fileSystem: FileSystem): void {
  fileSystem.actor = HOLDER
  const hidden = fileSystem.mkdir(fileSystem.lookup(fileSystem.root, '.tmp') as number, 'holder')
  fileSystem.inode(hidden).isShared = false
  const visit = (directory: number): void => {
    for (const [name, number] of [...fileSystem.inode(directory).names]) {
      if (name === '.tmp' || name === MARKER_NAME) continue
      if (fileSystem.inode(number).kind === 'directory') visit(number)
      else fileSystem.link(number, hidden, `${number}`)
    }
  }
  visit(fileSystem.root)
}
