/**
 * Does one verb after the other on a store of its own, while strace lets a call of it fail.
 * Each message from the parent is a {@link Job}; each answer what came of it.
 *
 *     worker-injected, with a channel to its parent
 */
import { existsSync, lutimesSync, readdirSync, rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { openSync, type Store, type SyncStore } from '../../index.js'
import { ERROR_CODES, StoreError, toStoreError } from '../../lib/errors.js'
import { openIn, openSyncIn } from '../support/environment.js'
import type { Aftermath, Answer, Job, Outcome, State } from './jobs.js'
import { ALL_KEYS, digest, KEY, NEIGHBOUR, verbOf, type Verb } from './verbs.js'

/** Private names have the same numbers in every run, so that strace can tell paths apart. */
const ENVIRONMENT = { host: 'host', randomId: () => '0'.repeat(32) }

let store: Store | undefined
let descriptors = 0

const countDescriptors = (): number => readdirSync('/proc/self/fd').length

async function openUnderTest({ root, face, fresh }: Job, verb: Verb): Promise<Store> {
  const options = { ...verb.options, fresh }
  try {
    // Their verbs have the same names and arguments, and whoever awaits cannot tell them apart.
    return face === 'sync'
      ? (openSyncIn(ENVIRONMENT, root, options) as unknown as Store)
      : await openIn(ENVIRONMENT, root, options)
  } catch (error) {
    throw toStoreError(error, 'open')
  }
}

async function prepare(job: Job): Promise<null> {
  const verb = verbOf(job.title)
  rmSync(job.root, { recursive: true, force: true })
  if (verb.opens !== 'a new store') {
    using preparing = openSync(job.root, { ...verb.options, durability: 'none' })
    preparing.set(NEIGHBOUR, 'old')
    if (verb.old !== undefined) preparing.set(KEY, verb.old)
    await verb.prepare?.(preparing, job.root)
  }
  store = undefined
  if (verb.opens === undefined) {
    store = await openUnderTest(job, verb)
    // Whatever it is, the first write makes the private directory.
    if (verb.isCold !== true) await store.set(NEIGHBOUR, 'old', { durability: 'none' })
    await verb.warm?.(store)
  }
  descriptors = countDescriptors()
  return null
}

/** Until what is done in the background is done: all calls wait in one queue. */
async function untilQuiet(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await stat('/')
}

async function act(job: Job): Promise<Outcome> {
  const verb = verbOf(job.title)
  try {
    if (verb.opens !== undefined) {
      store = await openUnderTest(job, verb)
      return { result: 'open' }
    }
    const result = (await verb.act?.(store as Store)) ?? null
    if (job.face === 'async') await untilQuiet()
    return { result }
  } catch (error) {
    if (!(error instanceof StoreError) || !ERROR_CODES.includes(error.code)) {
      return { untyped: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
    return { code: error.code, message: error.message }
  }
}

/** What another process sees in the store now. */
function look({ root }: Job): Promise<State> {
  if (!existsSync(`${root}/linkstore.json`)) return Promise.resolve({ values: {}, damage: [] })
  using observing = openSync(root, { create: false, readOnly: true })
  return Promise.resolve(stateOf(observing))
}

function stateOf(observing: SyncStore): State {
  const values: Record<string, string> = {}
  const damage: string[] = []
  for (const key of ALL_KEYS) {
    const value = digest(observing.get(key))
    if (value !== undefined) values[key] = value
  }
  const listed = [...observing.keys()].sort()
  if (listed.join() !== Object.keys(values).sort().join()) damage.push(`listed: ${listed.join()}`)
  const { findings, objects } = observing.verify()
  for (const { kind, path, reason } of findings) damage.push(`${kind}: ${path}: ${reason}`)
  if (objects !== listed.length) damage.push(`${objects} objects were verified`)
  return { values, damage }
}

/** Why a store does not go on working; empty if it does. */
async function workOn(used: Store | SyncStore, { values }: State): Promise<string> {
  try {
    const value = digest(await used.get(KEY))
    if (value !== values[KEY]) return `a later get gives ${value}`
    await used.set('next', 'value')
    const next = String(await used.get('next'))
    const wasThere = await used.delete('next')
    return next === 'value' && wasThere ? '' : `a later set stored ${next}`
  } catch (error) {
    const code = error instanceof StoreError ? error.code : 'untyped'
    return `a later call fails: ${code}: ${String(error)}`
  }
}

async function closeOf(used: Store | SyncStore): Promise<string> {
  try {
    await used.close()
    return ''
  } catch (error) {
    return `close fails: ${String(error)}`
  }
}

function countNames(root: string): number {
  const path = `${root}/.tmp`
  return existsSync(path) ? readdirSync(path, { recursive: true }).length : 0
}

/** What another process leaves when it sweeps, long after all that has happened. */
function sweepAll({ root }: Job, sweeping: SyncStore): State {
  const privateRoot = `${root}/.tmp`
  for (const name of readdirSync(privateRoot, { recursive: true }) as string[]) {
    lutimesSync(`${privateRoot}/${name}`, 0, 0)
  }
  sweeping.sweep()
  const state = stateOf(sweeping)
  sweeping.close()
  const left = countNames(root)
  return left === 0 ? state : { ...state, damage: [`the sweep has left ${left} names`] }
}

async function check(job: Job): Promise<Aftermath> {
  let leftNames = countNames(job.root)
  // Reading by open needs no private name, which would be counted here.
  using another = openSync(job.root, { durability: 'none', reads: 'open' })
  const state = stateOf(another)
  const problems: string[] = []
  let isReadOnly = false
  if (store !== undefined) {
    const { title, opens } = verbOf(job.title)
    const isClosed = title.startsWith('close')
    const problem = isClosed ? '' : await workOn(store, state)
    isReadOnly = opens !== undefined && problem.includes('ACCESS_DENIED')
    const closing = await closeOf(store)
    // A close that has failed may say so again.
    problems.push(isReadOnly ? '' : problem, isClosed ? '' : closing)
    leftNames = countNames(job.root)
  }
  const leftDescriptors = countDescriptors() - descriptors
  problems.push(await workOn(another, state))
  const swept = sweepAll(job, another)
  return {
    state,
    swept: swept.values,
    problems: [...problems.filter((problem) => problem !== ''), ...swept.damage],
    isReadOnly,
    leftNames,
    leftDescriptors,
  }
}

const JOBS = { prepare, look, act, check }

process.on('message', (job: Job) => {
  const answer = (content: Answer): void => void process.send?.(content)
  JOBS[job.what](job).then(
    (value) => answer({ value }),
    (error: unknown) => answer({ problem: error instanceof Error ? error.stack : String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ value: 'ready' })
