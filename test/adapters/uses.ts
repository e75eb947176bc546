/** For each adapter what one process writes through it, and what another one then reads. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { Upload } from '@tus/server'
import { Cookie, type SessionData } from 'express-session'
import { Keyv } from 'keyv'
import { dir } from 'tmp-promise'
import { createStorage } from 'unstorage'
import { LinkstoreBlobStore } from '../../lib/adapters/abstract-blob-store.js'
import { LinkstoreSessionStore } from '../../lib/adapters/express-session.js'
import { KeyvLinkstore } from '../../lib/adapters/keyv.js'
import { createCacheHandler, type RouteHandler } from '../../lib/adapters/next.js'
import { LinkstoreTusStore } from '../../lib/adapters/tus.js'
import linkstoreDriver from '../../lib/adapters/unstorage.js'

/** One way of using an adapter, over the directory of a store. */
export interface Use {
  /** Writes something that says which time it is, over what was there. */
  write(root: string, value: string): Promise<void>
  /** What was written; undefined if there is nothing. */
  read(root: string): Promise<string | undefined>
}

const KEY = 'a:key'

export const USES: Readonly<Record<string, Use>> = {
  keyv: {
    write: async (root, value) => {
      await withKeyv(root, (keyv) => keyv.set(KEY, { value }))
    },
    read: (root) => withKeyv(root, async (keyv) => (await keyv.get<{ value: string }>(KEY))?.value),
  },
  unstorage: {
    write: async (root, value) => {
      const storage = createStorage({ driver: linkstoreDriver({ store: root }) })
      await storage.setItem(KEY, { value })
      await storage.dispose()
    },
    read: async (root) => {
      const storage = createStorage({ driver: linkstoreDriver({ store: root }) })
      const found = await storage.getItem<{ value: string }>(KEY)
      await storage.dispose()
      return found?.value
    },
  },
  'express-session': {
    write: async (root, value) => {
      const store = new LinkstoreSessionStore({ store: root })
      const session = { cookie: new Cookie(), value } as unknown as SessionData
      await new Promise((resolve) => store.set(KEY, session, resolve))
      await store.close()
    },
    read: async (root) => {
      const store = new LinkstoreSessionStore({ store: root })
      const session = await new Promise((resolve, reject) =>
        store.get(KEY, (error, found) => (error ? reject(error) : resolve(found))),
      )
      await store.close()
      return (session as { value?: string } | null)?.value
    },
  },
  // The one revalidates what it had written before, and writes anew what the other one then reads.
  next: {
    write: async (root, value) => {
      await withNext(root, async (handler) => {
        await handler.revalidateTag(KEY)
        await handler.get(KEY, { kind: 'FETCH', tags: [KEY] })
        const data = { headers: {}, url: '', status: 200, body: value }
        const entry = { kind: 'FETCH', revalidate: 3600, data }
        await handler.set(KEY, entry, { fetchCache: true, tags: [KEY] })
      })
    },
    read: (root) =>
      withNext(root, async (handler) => {
        const found = await handler.get(KEY, { kind: 'FETCH', tags: [KEY] })
        return (found?.value as { data?: { body?: string } } | undefined)?.data?.body
      }),
  },
  // Half of it by each: whoever reads goes on with what the other one has begun.
  tus: {
    write: async (root, value) => {
      const store = new LinkstoreTusStore({ store: root })
      await store.remove(KEY).catch(() => undefined)
      await store.create(new Upload({ id: KEY, offset: 0, size: value.length * 2 }))
      await store.write(Readable.from([Buffer.from(value)]), KEY, 0)
      await store.close()
    },
    read: async (root) => {
      const store = new LinkstoreTusStore({ store: root })
      try {
        const { offset, size } = await store.getUpload(KEY)
        const half = await text(store.read(KEY))
        if (offset * 2 === size) await store.write(Readable.from([Buffer.from(half)]), KEY, offset)
        const whole = await text(store.read(KEY))
        return whole === half + half ? half : whole
      } finally {
        await store.close()
      }
    },
  },
  'abstract-blob-store': {
    write: async (root, value) => {
      const blobs = new LinkstoreBlobStore(root)
      await new Promise<void>((resolve, reject) => {
        const done = (error: Error | null): void => (error === null ? resolve() : reject(error))
        blobs.createWriteStream({ key: KEY }, done).end(value)
      })
      await blobs.close()
    },
    read: async (root) => {
      const blobs = new LinkstoreBlobStore(root)
      const found = await text(blobs.createReadStream({ key: KEY }))
      await blobs.close()
      return found
    },
  },
}

async function withNext<T>(root: string, work: (handler: RouteHandler) => Promise<T>): Promise<T> {
  const { path, cleanup } = await dir({ prefix: 'linkstore-next', unsafeCleanup: true })
  const onError = (error: unknown): never => {
    throw error
  }
  const Handler = createCacheHandler({ store: root, onError })
  try {
    writeFileSync(join(path, 'BUILD_ID'), 'the build')
    writeFileSync(join(path, 'prerender-manifest.json'), '{}')
    return await work(new Handler({ serverDistDir: join(path, 'server') }))
  } finally {
    await Handler.close()
    await cleanup()
  }
}

async function withKeyv<T>(root: string, work: (keyv: Keyv) => Promise<T>): Promise<T> {
  const keyv = new Keyv({
    store: new KeyvLinkstore(root),
    namespace: 'shared',
    throwOnErrors: true,
  })
  try {
    return await work(keyv)
  } finally {
    await keyv.disconnect()
  }
}
