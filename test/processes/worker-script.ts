/**
 * Opens a store and calls its verbs one after the other, as a script that is given as JSON says:
 * for tests that need another user, another umask or a mount of their own.
 *
 *     worker-script ROOT sync|async OPTIONS SCRIPT
 *
 * A step is a verb and its arguments, or `sh` and a command; `{"repeated": N}` stands for a text
 * of that length. The results are written as JSON:
 * text for bytes, null for undefined, code and message for an error.
 */
import { execFileSync } from 'node:child_process'
import { open, openSync, StoreError, type Store, type OpenOptions } from '../../index.js'

const [root = '', face = '', options = '{}', script = '[]'] = process.argv.slice(2)

type Step = readonly [verb: string, ...values: unknown[]]
type Verb = (...values: readonly unknown[]) => unknown

async function openAs(how: OpenOptions): Promise<Store> {
  if (face === 'async') return await open(root, how)
  // Their verbs have the same names and arguments, and whoever awaits cannot tell them apart.
  return openSync(root, how) as unknown as Store
}

async function perform(store: Store, [verb, ...values]: Step): Promise<unknown> {
  if (verb === 'sh')
    return execFileSync('sh', ['-c', String(values[0])])
      .toString()
      .trim()
  if (verb === 'keys') {
    const keys: string[] = []
    for await (const key of store.keys()) keys.push(key)
    return keys.sort()
  }
  const call = (store as unknown as Record<string, Verb>)[verb]!
  const result = await call.apply(store, values.map(expanded))
  return Buffer.isBuffer(result) ? textOf(result) : (result ?? null)
}

function textOf(value: Buffer): string {
  return value.length > 100 ? `${value.length} bytes` : value.toString()
}

function expanded(value: unknown): unknown {
  const { repeated } = value as { repeated?: number }
  return repeated === undefined ? value : 'v'.repeat(repeated)
}

async function outcomeOf(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const { code, message, retryable } = error
    return { code, message, retryable }
  }
}

const results: unknown[] = []
const problem = await outcomeOf(async () => {
  const store = await openAs(JSON.parse(options) as OpenOptions)
  for (const step of JSON.parse(script) as Step[]) {
    results.push(await outcomeOf(() => perform(store, step)))
  }
  await store.close()
  return undefined
})
if (problem !== undefined) results.push(problem)
process.stdout.write(`${JSON.stringify(results)}\n`)
