/** What a test and the workers in its guest tell each other about power cuts. */
import type { Durability, Store } from '../../index.js'
import { StoreError } from '../../index.js'
import type { Verb } from './power-cut-lanes.js'
import { CORRUPT, stampOf } from './power-cut-values.js'

/** A store in a guest. */
export interface StorePlan {
  readonly name: string
  readonly durability: Durability
  readonly device: string
  readonly mountPoint: string
  /** Keys to be looked for beside those that a listing gives. */
  readonly keys: readonly string[]
}

/** A worker's task, which it reads from a file. */
export interface Plan {
  readonly round: number
  /** How long the lanes run. */
  readonly durationMs: number
  readonly stores: readonly StorePlan[]
}

/** What a worker reports. */
export type Report =
  | { readonly kind: 'state'; readonly store: string; readonly state: State }
  | { readonly kind: 'working' }
  | {
      readonly kind: 'began'
      readonly store: string
      readonly index: number
      readonly verb: Verb
      readonly key: string
      readonly becomes: string | null
    }
  | { readonly kind: 'acknowledged'; readonly store: string; readonly index: number }
  | { readonly kind: 'closed'; readonly store: string }

/** All that a store holds. */
export interface State {
  /** Key and stamp of each object; `corrupt` and `torn` instead of a stamp. */
  readonly contents: readonly (readonly [key: string, stamp: string])[]
  /** What contradicts them, in words: a listing, or `verify`. */
  readonly contradictions: readonly string[]
}

const READS_AT_ONCE = 8

/** Reads a store in every way there is. */
export async function inspect(store: Store, keys: readonly string[]): Promise<State> {
  const listed = new Set<string>()
  const contradictions: string[] = []
  try {
    for await (const key of store.keys()) listed.add(key)
  } catch (error) {
    if (!isCorrupt(error)) throw error
  }
  const all = [...new Set([...keys, ...listed])]
  const contents: [string, string][] = []
  const readOne = async (key: string): Promise<void> => {
    const stamp = await look(store, key)
    if (stamp !== undefined) contents.push([key, stamp])
    if (listed.has(key) && stamp === undefined) contradictions.push(`${key} is only listed`)
    if (!listed.has(key) && stamp !== undefined && stamp !== CORRUPT) {
      contradictions.push(`${key} is not listed`)
    }
  }
  for (let i = 0; i < all.length; i += READS_AT_ONCE) {
    await Promise.all(all.slice(i, i + READS_AT_ONCE).map(readOne))
  }
  const { objects, findings } = await store.verify()
  const corrupt = contents.filter(([, stamp]) => stamp === CORRUPT).length
  if (objects !== contents.length - corrupt || findings.length !== corrupt) {
    const verified = `${objects} sound, ${findings.length} not: ${JSON.stringify(findings[0])}`
    contradictions.push(`read ${contents.length}, of them ${corrupt} corrupt; verify ${verified}`)
  }
  return { contents, contradictions }
}

async function look(store: Store, key: string): Promise<string | undefined> {
  try {
    const value = await store.get(key)
    return value === undefined ? undefined : stampOf(value)
  } catch (error) {
    if (isCorrupt(error)) return CORRUPT
    throw error
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'CORRUPT'
}
