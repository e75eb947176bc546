/** Sealed stores in memory, and what is done to them behind their back. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Store, StoreError, type ObjectStore } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import {
  createKeyring,
  generateIdentity,
  withSeal,
  type Identity,
  type SealOptions,
} from '../../lib/layers/sealed.js'
import * as reference from './sealed-reference.js'

export const ada = generateIdentity()
export const bob = generateIdentity()
export const eve = generateIdentity()

export const CHUNK = 65_536
export const GROUP_VALUE = 256 * CHUNK

/** A store in memory that is sealed for Ada and Bob. */
export async function forBoth(): Promise<ObjectStore> {
  const inner = memoryStore()
  await createKeyring(inner, { identity: ada, recipients: [`${bob.publicKey} bob`] })
  return inner
}

export function sealedBy(
  inner: ObjectStore,
  identity: Identity = ada,
  options: Partial<SealOptions> = {},
): Store {
  const trust = [ada.publicKey]
  return new Store(withSeal(inner, { identity, trust, ...options }))
}

export async function innerKeys(inner: ObjectStore, prefix = 'object/'): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of inner.list({ prefix })) keys.push(key)
  return keys
}

export async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const key of store.keys()) keys.push(key)
  return keys
}

export async function bytesAt(inner: ObjectStore, key: string): Promise<Buffer> {
  await using object = await inner.read(key)
  return await object!.bytes()
}

/** The one object there is, as it lies there. */
export async function only(inner: ObjectStore): Promise<[key: string, bytes: Buffer]> {
  const [key = ''] = await innerKeys(inner)
  return [key, await bytesAt(inner, key)]
}

export async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof StoreError) return error
  throw new Error(`expected a StoreError, not ${String(error)}`)
}

/** The secret keys in the text of an identity. */
export function secretOf(text: string): Buffer {
  return Buffer.from(reference.keysOf(text.trimEnd().split('\n').at(-1)!))
}

/** The public line of both keys. */
export function lineOf(keys: Buffer): string {
  return reference.lineOf('linkstore-public:', keys)
}

export function vectorInput(
  epoch: { readonly id: string; readonly key: string },
  names: string,
): Omit<reference.ObjectInput, 'key' | 'value' | 'secret'> {
  return {
    nameKey: Buffer.from(names, 'base64url'),
    epochId: Buffer.from(epoch.id, 'hex'),
    epochKey: Buffer.from(epoch.key, 'base64url'),
    salt: Buffer.alloc(32, 1),
    dataKey: Buffer.alloc(32, 2),
    json: '{"metadata":{}}',
    signedAtMs: Date.now(),
    ttlMs: 0,
  }
}

/** What stands behind each name in the blocks of a page. */
export function vectorsOf(page: string): Map<string, string> {
  const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8')
  const vectors = new Map<string, string>()
  const blocks = text.slice(text.indexOf('## Test vectors')).matchAll(/```text\n([^]*?)```/g)
  for (const [, block = ''] of blocks) {
    let name = ''
    for (const line of block.split('\n').filter((line) => line !== '')) {
      const isFirst = !line.startsWith(' ')
      if (isFirst) name = line.slice(0, 13).trimEnd()
      vectors.set(name, (isFirst ? '' : (vectors.get(name) ?? '')) + line.slice(13))
    }
  }
  return vectors
}

/** A store whose writes fail, before they are done or after. */
export function failing(inner: ObjectStore, when: 'before' | 'after'): ObjectStore {
  return {
    supports: inner.supports,
    read: (key, options) => inner.read(key, options),
    stat: (key, options) => inner.stat(key, options),
    remove: (key, options) => inner.remove(key, options),
    take: (key, options) => inner.take(key, options),
    list: (options) => inner.list(options),
    close: () => inner.close(),
    write: async (key, body, options) => {
      if (when === 'after') await inner.write(key, body, options)
      throw new StoreError('UNAVAILABLE', 'as the test wants it')
    },
  }
}

/** A store that counts the bytes of the ranges that are read. */
export function counting(inner: ObjectStore): ObjectStore & { readBytes: number } {
  const counted = {
    readBytes: 0,
    supports: inner.supports,
    read: async (...[key, options]: Parameters<ObjectStore['read']>) => {
      const object = await inner.read(key, options)
      if (object === undefined) return undefined
      const stream = object.stream.bind(object)
      object.stream = (range) => {
        if (range?.end !== undefined) counted.readBytes += range.end - (range.start ?? 0) + 1
        return stream(range)
      }
      return object
    },
    stat: (...[key, options]: Parameters<ObjectStore['stat']>) => inner.stat(key, options),
    write: (...[key, body, options]: Parameters<ObjectStore['write']>) =>
      inner.write(key, body, options),
    remove: (...[key, options]: Parameters<ObjectStore['remove']>) => inner.remove(key, options),
    take: (...[key, options]: Parameters<ObjectStore['take']>) => inner.take(key, options),
    list: (...[options]: Parameters<ObjectStore['list']>) => inner.list(options),
    close: () => inner.close(),
  }
  return counted
}
