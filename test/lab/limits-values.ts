/** What the workers that bring a store to a limit of its file system have in common. */
import { StoreError, type Store } from '../../index.js'

export const SMALL = 'old'.repeat(1000)
export const LARGE = 'large'.repeat(200_000)
/** Larger than what any file system has left when it says that it is full. */
const NEW = Buffer.alloc(4 * 2 ** 20, 'new')
/** Keys that have a value before the limit is reached; the first one's is large. */
export const STEADY_KEYS = Array.from({ length: 12 }, (_, i) => `steady-${i}`)

/** The value of one of those keys. */
export function steadyValue(key: string): string {
  return key === STEADY_KEYS[0] ? LARGE : SMALL
}

/** What a call did: its result, or the code of its error. */
export async function outcome(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
}

/** Which of the keys do not have their value, and what they have. */
export async function wrongKeys(store: Store, keys = STEADY_KEYS): Promise<string[]> {
  const wrong: string[] = []
  for (const key of keys) {
    const expected = Buffer.from(steadyValue(key))
    const found = await outcome(async () => (await store.get(key))?.equals(expected))
    if (found !== true) wrong.push(`${key}: ${String(found)}`)
  }
  return wrong
}

/** What each verb that writes a value says. */
export async function tryWrites(store: Store): Promise<Record<string, unknown>> {
  const done = async (call: Promise<unknown>): Promise<unknown> => {
    const result = await outcome(() => call)
    return typeof result === 'object' ? true : result
  }
  return {
    set: await done(store.set('steady-1', NEW)),
    add: await done(store.add('new', NEW)),
    copy: await done(store.copy('steady-0', 'steady-2')),
    stream: await done(writeStream(store, 'steady-3')),
  }
}

async function writeStream(store: Store, key: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const stream = store.createWriteStream(key)
    stream.once('error', reject).once('finish', () => resolve(true))
    stream.end(NEW)
  })
}
