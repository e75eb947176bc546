/** Every verb, called once while nothing answers. */
import { open, StoreError, type CallOptions, type Store } from '../../index.js'

/** What came of one call. */
export interface Outcome {
  readonly verb: string
  /** The code of its StoreError, or `result: …` for what it returned. */
  readonly code: string
  readonly elapsedMs: number
}

/** The keys whose objects are there when the calls begin, each with its own name as value. */
export const PRESENT = ['read', 'written', 'kept', 'deleted', 'taken', 'copied', 'renamed'] as const

type Call = (store: Store, options: CallOptions) => Promise<unknown>

async function firstOf(keys: AsyncIterable<unknown>): Promise<unknown> {
  for await (const key of keys) return key
  return undefined
}

const CALLS: Readonly<Record<string, Call>> = {
  get: (store, options) => store.get('read', options),
  'get of an absent key': (store, options) => store.get('absent', options),
  has: (store, options) => store.has('read', options),
  'has of an absent key': (store, options) => store.has('absent', options),
  stat: (store, options) => store.stat('read', options),
  set: (store, options) => store.set('written', 'written', options),
  'set of a new key': (store, options) => store.set('new', 'new', options),
  add: (store, options) => store.add('kept', 'other', options),
  'add of a new key': (store, options) => store.add('added', 'added', options),
  delete: (store, options) => store.delete('deleted', options),
  'delete of an absent key': (store, options) => store.delete('absent', options),
  take: (store, options) => store.take('taken', options),
  copy: (store, options) => store.copy('copied', 'copy', options),
  rename: (store, options) => store.rename('renamed', 'new name', options),
  keys: (store, options) => firstOf(store.keys(options)),
  count: (store, options) => store.count(options),
}

/** Stores what the calls are about. */
export async function prepareVerbs(store: Store): Promise<void> {
  for (const key of PRESENT) await store.set(key, key)
}

/** What some return when they do not fail. The rest may return what they like. */
const RESULTS: Readonly<Record<string, string>> = {
  get: 'read',
  'get of an absent key': 'undefined',
  has: 'true',
  'has of an absent key': 'false',
  add: 'false',
  'add of a new key': 'true',
  take: 'taken',
  copy: 'true',
  rename: 'true',
}

/** Whether a call that did not fail has returned what it must. */
export function isRight({ verb, code }: Outcome): boolean {
  return code.startsWith('result: ') && code === `result: ${RESULTS[verb] ?? code.slice(8)}`
}

/** Calls all verbs at once, and `open` too, and tells what came of each. */
export async function callVerbs(
  store: Store,
  path: string,
  optionsOf: () => CallOptions = () => ({}),
): Promise<Outcome[]> {
  const calls: Readonly<Record<string, Call>> = {
    ...CALLS,
    open: (_, options) => open(path, options),
  }
  return await Promise.all(
    Object.entries(calls).map(async ([verb, call]) => {
      const startMs = performance.now()
      const code = await codeOf(() => call(store, optionsOf()))
      return { verb, code, elapsedMs: Math.round(performance.now() - startMs) }
    }),
  )
}

async function codeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    return `result: ${String(await call())}`
  } catch (error) {
    return error instanceof StoreError ? error.code : String(error)
  }
}

/** What is wrong with the store after the calls, each of which may have had its effect, or not. */
export async function checkVerbs(store: Store): Promise<string[]> {
  const mayBeAbsent = ['deleted', 'taken', 'renamed', 'new', 'added', 'copy', 'new name']
  const values: Readonly<Record<string, string>> = { copy: 'copied', 'new name': 'renamed' }
  const wrong: string[] = []
  for (const key of [...PRESENT, 'new', 'added', 'copy', 'new name', 'absent']) {
    const value = (await store.get(key))?.toString()
    const isRight =
      value === undefined
        ? key === 'absent' || mayBeAbsent.includes(key)
        : key !== 'absent' && value === (values[key] ?? key)
    if (!isRight) wrong.push(`${key}: ${value}`)
  }
  return wrong
}
