import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { MAX_CELL_BYTES, open, type Store } from '../../index.js'
import {
  createCacheHandler,
  createUseCacheHandler,
  type LinkstoreNextOptions,
  type RouteHandler,
} from '../../lib/adapters/next.js'
import { Stamps } from '../../lib/adapters/next/stamps.js'
import {
  buildOfUseCacheKey,
  lifetimeOf,
  pathOf,
  spaceOf,
  type UseCacheEntry,
} from '../../lib/adapters/next/versions.js'
import { flipBit, objectPath } from '../format/damage.js'
import { until } from '../support/coordination.js'
import { scratchDirectory } from '../support/surroundings.js'
import { USES } from './uses.js'

const PAGE = { kind: 'APP_PAGE', isFallback: false }
const HOUR_MS = 3_600_000

/** A process of an application: what it has found wrong, and how a request is begun. */
interface Process {
  readonly errors: unknown[]
  readonly request: () => RouteHandler
}

interface World {
  readonly root: string
  readonly store: Store
  /** The directory of what was built. */
  build(id: string): string
  process(buildDirectory: string, options?: Partial<LinkstoreNextOptions>): Process
}

async function worldOf(t: Test): Promise<World> {
  const scratch = await scratchDirectory(t)
  const root = join(scratch, 'store')
  const store = await open(root, { durability: 'none' })
  t.teardown(() => store.close())
  return {
    root,
    store,
    build: (id) => {
      writeFileSync(join(scratch, 'BUILD_ID'), id)
      const routes = { '/built': { initialRevalidateSeconds: false } }
      writeFileSync(join(scratch, 'prerender-manifest.json'), JSON.stringify({ routes }))
      return join(scratch, 'server')
    },
    process: (serverDistDir, options) => {
      const errors: unknown[] = []
      const onError = (error: unknown): void => void errors.push(error)
      const Handler = createCacheHandler({ store: root, onError, ...options })
      t.teardown(() => Handler.close())
      return { errors, request: () => new Handler({ serverDistDir }) }
    },
  }
}

function page(html: string, tags: string) {
  return {
    kind: 'APP_PAGE',
    html,
    rscData: Buffer.from([0, 255]),
    segmentData: new Map([['/_tree', Buffer.from('tree')]]),
    headers: { 'x-next-cache-tags': tags },
  }
}

/** What a request does: asks, and renders where there is nothing. */
async function visit(handler: RouteHandler, key: string, html: string, tags: string) {
  const found = await handler.get(key, PAGE)
  if (found !== null) return (found.value as unknown as { html: string }).html
  await handler.set(key, page(html, tags), { cacheControl: { revalidate: false } })
  return html
}

await t.test('what one process writes through each adapter another one reads', async (t) => {
  const scratch = await scratchDirectory(t)
  for (const [name, use] of Object.entries(USES)) {
    for (const value of ['first', 'second']) {
      await use.write(join(scratch, name), value)
      t.equal(await use.read(join(scratch, name)), value, name)
    }
  }
})

await t.test('what one process renders another gives out, Map and Buffer included', async (t) => {
  const world = await worldOf(t)
  const directory = world.build('b1')
  const [a, b] = [world.process(directory), world.process(directory)]
  t.equal(await visit(a.request(), '/p', 'one', 'x'), 'one')
  const found = await b.request().get('/p', PAGE)
  t.same(found?.value, page('one', 'x'))
  t.ok(Buffer.isBuffer((found?.value as unknown as { rscData: unknown }).rscData))
  const body = { kind: 'APP_ROUTE', body: Buffer.from([1, 2]), status: 200, headers: {} }
  await a.request().set('/r', body, {})
  t.same((await b.request().get('/r', { kind: 'APP_ROUTE' }))?.value, body)
  await a.request().set('/gone', null, { revalidate: 60 })
  t.equal((await b.request().get('/gone', PAGE))?.value, null, 'that there is no page is kept')
  t.same([...a.errors, ...b.errors], [])
})

await t.test('a tag that one process revalidates is revalidated for all', async (t) => {
  const world = await worldOf(t)
  const directory = world.build('b1')
  const [a, b] = [world.process(directory), world.process(directory)]
  await visit(a.request(), '/p', 'one', 'x,y')
  await visit(a.request(), '/q', 'one', 'z')
  await b.request().revalidateTag('y')
  t.equal(await visit(a.request(), '/p', 'two', 'x,y'), 'two')
  t.equal(await visit(b.request(), '/p', 'three', 'x,y'), 'two')
  t.equal(await visit(b.request(), '/q', 'two', 'z'), 'one', 'others stay')
  await a.request().revalidateTag(['x', 'z'])
  t.equal(await visit(b.request(), '/p', 'four', 'x,y'), 'four')
  t.equal(await visit(b.request(), '/q', 'four', 'z'), 'four')
})

await t.test('what was begun before a revalidation is not fresh after it', async (t) => {
  const world = await worldOf(t)
  const directory = world.build('b1')
  const [a, b] = [world.process(directory), world.process(directory)]
  const slow = a.request()
  t.equal(await slow.get('/p', PAGE), null)
  await b.request().revalidateTag('x')
  await slow.set('/p', page('old', 'x'), { revalidate: false })
  t.equal(await b.request().get('/p', PAGE), null)
  // One that did not even ask, as Next.js does when it is told to make a page again.
  const unasked = a.request()
  await b.request().revalidateTag('x')
  await unasked.set('/p', page('old', 'x'), { revalidate: false })
  t.equal(await b.request().get('/p', PAGE), null)
})

await t.test('clocks that differ by an hour make no difference', async (t) => {
  const world = await worldOf(t)
  const directory = world.build('b1')
  const [a, b] = [world.process(directory), world.process(directory)]
  const { now } = Date
  t.teardown(() => (Date.now = now))
  const ahead = async (work: () => Promise<void>): Promise<void> => {
    Date.now = () => now() + HOUR_MS
    await work()
    Date.now = now
  }
  await ahead(() => a.request().revalidateTag('x'))
  t.equal(await visit(b.request(), '/p', 'one', 'x'), 'one')
  t.equal(await visit(b.request(), '/p', 'two', 'x'), 'one', 'not taken for older than it is')
  await b.request().revalidateTag('x')
  t.equal(await visit(b.request(), '/p', 'three', 'x'), 'three', 'nor for newer')
  await ahead(async () => {
    await visit(a.request(), '/q', 'one', 'y')
  })
  await b.request().revalidateTag('y')
  t.equal(await visit(a.request(), '/q', 'two', 'y'), 'two')
})

await t.test('what is fetched outlives builds, and minds the path that asks', async (t) => {
  const world = await worldOf(t)
  const old = world.process(world.build('b1'))
  const data = { kind: 'FETCH', data: { body: 'one' }, revalidate: 3600 }
  await old.request().set('hash', data, { fetchCache: true, tags: ['x'] })
  await visit(old.request(), '/p', 'one', 'x')
  const next = world.process(world.build('b2'))
  t.equal(await next.request().get('/p', PAGE), null, 'a page does not')
  t.match((await next.request().get('hash', { kindHint: 'fetch' }))?.value, data)
  const asked = { kind: 'FETCH', tags: [], softTags: ['_N_T_/p'] }
  t.match((await next.request().get('hash', asked))?.value, data)
  await old.request().revalidateTag('_N_T_/p')
  t.equal(await next.request().get('hash', asked), null)
  t.match((await next.request().get('hash', { kind: 'FETCH' }))?.value, data)
  await next.request().revalidateTag('x')
  t.equal(await old.request().get('hash', { kind: 'FETCH' }), null)
})

await t.test('a tag may leave what is stale to be given out for a while', async (t) => {
  const world = await worldOf(t)
  const directory = world.build('b1')
  const [a, b] = [world.process(directory), world.process(directory)]
  await visit(a.request(), '/p', 'one', 'x')
  await b.request().revalidateTag('x', { expire: 60 })
  const stale = await a.request().get('/p', PAGE)
  t.match(stale, { value: { html: 'one' }, cacheControl: { revalidate: 1 } })
  t.ok(stale!.lastModified < Date.now() - 1000, 'so Next.js makes a new one')
  const { now } = Date
  t.teardown(() => (Date.now = now))
  Date.now = () => now() + 61_000
  t.equal(await a.request().get('/p', PAGE), null)
  Date.now = now
  await b.request().revalidateTag('x', { expire: 0 })
  t.equal(await a.request().get('/p', PAGE), null)
})

await t.test('a lifetime is known to processes that did not render the page', async (t) => {
  const world = await worldOf(t)
  const { request } = world.process(world.build('b1'))
  const { now } = Date
  t.teardown(() => (Date.now = now))
  await request().set('/p', page('one', ''), { revalidate: 100 })
  Date.now = () => now() + 99_000
  t.ok((await request().get('/p', PAGE))!.lastModified >= now() + 99_000, 'it is as good as new')
  Date.now = () => now() + 101_000
  t.ok((await request().get('/p', PAGE))!.lastModified < now() + 1000, 'and then as old as it is')
})

await t.test('what is torn or foreign is a miss, and is told', async (t) => {
  const world = await worldOf(t)
  const { request, errors } = world.process(world.build('b1'))
  await visit(request(), '/p', 'one', 'x')
  const key = 'next/page/b1//p'
  const path = objectPath(world.root, key)
  const whole = readFileSync(path)
  for (const bytes of [flipBit(whole, 30), whole.subarray(0, 40), Buffer.alloc(0)]) {
    rmSync(path)
    writeFileSync(path, bytes)
    t.equal(await request().get('/p', PAGE), null)
  }
  await world.store.set(key, '{"kind":"APP_PAGE"}')
  t.equal(await request().get('/p', PAGE), null)
  await world.store.set(key, Buffer.from('x'), { contentType: 'application/x-v8-structured-clone' })
  t.equal(await request().get('/p', PAGE), null)
  t.equal(errors.length, 5)
  t.equal(await visit(request(), '/p', 'two', 'x'), 'two')
  t.equal(await visit(request(), '/p', 'three', 'x'), 'two')
  // Next.js throws where it finds what it has not asked for.
  await request().set('f', page('no fetch', ''), { fetchCache: true })
  t.equal(await request().get('f', { kind: 'FETCH' }), null)
})

await t.test('a site goes on without its store, but for revalidating', async (t) => {
  const world = await worldOf(t)
  const directory = world.build('b1')
  const file = join(world.root, 'no-directory')
  writeFileSync(file, '')
  const { request, errors } = world.process(directory, { store: join(file, 'store') })
  t.equal(await visit(request(), '/p', 'one', 'x'), 'one')
  t.equal(await visit(request(), '/p', 'two', 'x'), 'two')
  t.equal(errors.length, 4, 'each time it is told')
  await t.rejects(request().revalidateTag('x'))

  const store = await open(`${world.root}-2`)
  t.teardown(() => store.close())
  Object.assign(store, { cell: () => ({ read: () => new Promise(() => undefined) }) })
  const slow = world.process(directory, { store, timeoutMs: 50 })
  t.equal(await slow.request().get('/p', PAGE), null, 'nor does it wait for ever')
  t.match(slow.errors, [{ code: 'UNAVAILABLE' }])
})

await t.test('the pages of builds that nobody uses are removed', async (t) => {
  const world = await worldOf(t)
  const old = world.process(world.build('old/1'))
  await visit(old.request(), '/p', 'one', 'x')
  await old.request().set('hash', { kind: 'FETCH', data: {} }, { fetchCache: true })
  const keys = async (prefix: string): Promise<number> => {
    let count = 0
    for await (const key of world.store.keys({ prefix })) count += key === '' ? 0 : 1
    return count
  }
  const directory = world.build('new')
  const young = world.process(directory, { keepBuildsMs: 400 })
  await visit(young.request(), '/p', 'two', 'x')
  const Handler = createCacheHandler({ store: world.store })
  t.equal(await Handler.removeOldBuilds(), 0, 'the old one is in use')
  // As if it had not been asked for anything for a day.
  await world.store.delete('next/build/old%2F1')
  await until(async () => {
    await young.request().get('/p', PAGE)
    return (await keys('next/page/old%2F1/')) === 0
  }, 'the old pages go')
  t.equal(await keys('next/page/new/'), 1)
  t.equal(await keys('next/fetch/'), 1)
})

await t.test('while it is built, and in development, the store is left alone', async (t) => {
  const world = await worldOf(t)
  const { request } = world.process(join(world.root, 'unbuilt/server'))
  t.equal(await visit(request(), '/p', 'one', 'x'), 'one')
  t.equal(await visit(request(), '/p', 'two', 'x'), 'two')
  await request().revalidateTag('x')
  request().resetRequestCache()
  t.equal(await world.store.count(), 0)
  t.throws(() => createCacheHandler({ store: world.root, ttlMs: 0 }), RangeError)
  t.throws(() => createCacheHandler({} as never), TypeError)
})

function entryOf(value: string, more: Partial<UseCacheEntry> = {}): UseCacheEntry {
  const timestamp = performance.timeOrigin + performance.now()
  const bytes = new Blob([value]).stream() as ReadableStream<Uint8Array>
  return { value: bytes, tags: ['x'], stale: 0, timestamp, expire: 600, revalidate: 60, ...more }
}

await t.test("what has 'use cache' is shared, and its tags are", async (t) => {
  const { root } = await worldOf(t)
  const errors: unknown[] = []
  const make = () => {
    const onError = (error: unknown): void => void errors.push(error)
    const handler = createUseCacheHandler({ store: root, onError })
    t.teardown(() => handler.close())
    return handler
  }
  const [a, b] = [make(), make()]
  const key = '["build","id",["$undefined"]]'
  const textOf = async (handler: typeof a, softTags: string[] = []) => {
    const found = await handler.get(key, softTags)
    return found === undefined ? undefined : await text(found.value)
  }
  const put = async (handler: typeof a, value: string, more?: Partial<UseCacheEntry>) => {
    await handler.get(key)
    await handler.set(key, Promise.resolve(entryOf(value, more)))
  }
  await put(a, 'one')
  t.equal(await textOf(a), 'one')
  t.equal(await textOf(b), 'one')
  t.match(await b.get(key), { tags: ['x'], expire: 600, revalidate: 60 })
  t.equal(await b.getExpiration(), Infinity, 'it is given soft tags')
  await b.refreshTags()
  await b.expireTags('x', 'y')
  t.equal(await textOf(a), undefined)
  await put(b, 'two')
  t.equal(await textOf(a, ['_N_T_/p']), 'two')
  await a.updateTags(['_N_T_/p'])
  t.equal(await textOf(b, ['_N_T_/p']), undefined)
  t.equal(await textOf(b), 'two')
  await a.updateTags(['x'], { expire: 60 })
  t.equal((await b.get(key))?.revalidate, -1, 'what is stale is made again')

  await b.get(key)
  const begun = entryOf('old')
  await a.updateTags(['x'])
  await b.set(key, Promise.resolve(begun))
  t.equal(await textOf(a), undefined, 'what was begun before is not fresh')
  await put(a, 'short', { timestamp: Date.now() - 5000, expire: 4 })
  t.equal(await textOf(a), undefined, 'what has expired is not there')
  t.same(errors, [])

  const failing = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error('broken')),
  })
  await put(a, '', { value: failing })
  t.match(errors, [{ message: 'broken' }])
  t.equal(await textOf(b), undefined, 'a half is nothing')
  await put(a, 'never', { expire: 0 })
  t.equal(await textOf(b), undefined)
})

await t.test('whoever asks for what is being stored waits for it', async (t) => {
  const { root } = await worldOf(t)
  const handler = createUseCacheHandler({ store: root })
  t.teardown(() => handler.close())
  let finish: (entry: UseCacheEntry) => void = () => undefined
  const setting = handler.set('k', new Promise((resolve) => (finish = resolve)))
  const asking = handler.get('k')
  finish(entryOf('value'))
  t.equal(await text((await asking)!.value), 'value')
  await setting
})

await t.test('stamps are bounded, and never say fresh of what is not', async (t) => {
  let table = Stamps.parse(undefined)
  const tags = Array.from({ length: 3000 }, (_, index) => `tag ${index}`)
  for (let index = 0; index < tags.length; index += 100) {
    const value = table.stamped(tags.slice(index, index + 100), index + 100)
    if (value.length > MAX_CELL_BYTES) t.fail('it does not fit into a cell')
    table = Stamps.parse(Buffer.from(value))
  }
  for (const [index, tag] of tags.entries()) {
    if (table.judge([tag], index - (index % 100), 0) !== 'expired') t.fail(`${tag} is fresh`)
  }
  t.equal(table.judge(['tag 2999'], 3000, 0), 'fresh')
  const full = JSON.parse(Stamps.parse(undefined).stamped(tags, 1e5, Date.now())) as { tags: [] }
  t.ok(full.tags.length * 32 > 45_000, 'docs/adapters/next.md: some 50,000 tags in all')
  t.equal(table.judge(['another'], 2999, 0), 'fresh')
  t.equal(table.judge([], 0, 0), 'fresh', 'what has no tags cannot be revalidated')
  const late = Stamps.parse(Buffer.from(table.stamped(['tag 2999'], 5)))
  t.equal(late.judge(['tag 2999'], 2999, 0), 'expired', 'nobody lowers what is there')
  for (const no of ['{"version":2}', '[]']) t.throws(() => Stamps.parse(Buffer.from(no)), TypeError)
})

await t.test('what differs between versions is told by what is given', async (t) => {
  t.equal(buildOfUseCacheKey('["b","id",["value"]]'), 'b', '15')
  t.equal(buildOfUseCacheKey('["id",["value"],["b"]]'), 'b', '16')
  t.equal(buildOfUseCacheKey('a form'), undefined)
  t.equal(buildOfUseCacheKey('{}'), undefined)
  t.same(
    [{ kindHint: 'fetch' }, { fetchCache: true }, { kind: 'FETCH' }].map(spaceOf),
    Array(3).fill('fetch'),
  )
  t.same([spaceOf({ kind: 'IMAGE' }), spaceOf({ kindHint: 'app' })], ['image', 'page'])
  t.same(lifetimeOf({ revalidate: 3 }), { revalidate: 3 })
  t.same(lifetimeOf({ cacheControl: { revalidate: 4, expire: 5 } }), { revalidate: 4, expire: 5 })
  t.equal(pathOf('/route-cache/APP_PAGE/abc/$/blog'), '/blog')
  t.equal(pathOf('/index'), '/')
})
