import t, { type Test } from 'tap'
import type { Pool } from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ObjectStore, Supports } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { postgresStore, type PostgresOptions } from '../../lib/backends/postgres.js'
import type { PostgresStore } from '../../lib/backends/postgres.js'
import { withTiers } from '../../lib/layers/tiered.js'
import { openObjects } from '../../lib/url.js'
import { conformance, type Subject } from '../conformance/index.js'
import { consume, pattern, valueOf } from '../conformance/support.js'
import { PostgresServer } from '../support/postgres-server.js'

const started = await PostgresServer.start()
if (typeof started === 'string') {
  t.plan(0, `PostgreSQL cannot be tested: ${started}`)
  process.exit()
}
const server = started
t.teardown(() => server.stop())

const SUPPORTS: Supports = {
  list: true,
  metadata: true,
  expiry: true,
  versions: true,
  conditions: true,
  maxKeyBytes: 2048,
}

interface Place {
  readonly store: PostgresStore
  readonly pool: Pool
  readonly table: string
}

/** A store in a table that is not there yet. */
function storeIn(t: Test, options: Partial<PostgresOptions> = {}): Place {
  const pool = server.pool()
  const table = options.table ?? server.table()
  const store = postgresStore({ client: pool, ...options, table })
  t.teardown(async () => {
    await store.close()
    await pool.end()
  })
  return { store, pool, table }
}

/** Each with connections of its own, as another process would have them. */
function subjectOf(over: (inner: ObjectStore) => ObjectStore): Subject {
  const table = server.table()
  const open = async (): Promise<ObjectStore> =>
    over(postgresStore({ client: server.pool(), table, ownsClient: true }))
  return { open, remove: () => Promise.resolve() }
}

const fulfilled = (results: readonly PromiseSettledResult<unknown>[]): number =>
  results.filter(({ status }) => status === 'fulfilled').length

await t.test('a table keeps every contract', async (t) => {
  await conformance({
    test: (title, body) => t.test(title, body),
    factory: async () => subjectOf((inner) => inner),
    supports: SUPPORTS,
  })
})

await t.test('and so do tiers whose small one it is', async (t) => {
  await conformance({
    test: (title, body) => t.test(title, body),
    factory: async () => {
      const values = memoryStore()
      return subjectOf((inner) =>
        withTiers(inner, { large: memoryStore({ from: values }), thresholdBytes: 3 }),
      )
    },
    supports: SUPPORTS,
  })
})

await t.test('many that come at once make one table', async (t) => {
  for (let round = 0; round < 8; round += 1) {
    const table = server.table()
    const stores = Array.from({ length: 8 }, () =>
      postgresStore({ client: server.pool({ max: 1 }), table, ownsClient: true }),
    )
    await Promise.all(stores.map((store, i) => store.write(`k${i}`, `${i}`)))
    const keys: string[] = []
    for await (const { key } of stores[0]!.list()) keys.push(key)
    t.equal(keys.length, stores.length)
    for (const store of stores) await store.close()
  }
})

await t.test('a table of any name, in any schema, is its own', async (t) => {
  const { pool } = storeIn(t)
  await pool.query('CREATE SCHEMA "a ""b"""')
  for (const table of ['a "b".c \'d\'; --', 'ä 🦊', 'Upper', '$make$ \\', "\\'"]) {
    const { store } = storeIn(t, { table })
    await store.write('k', table)
    t.equal(String(await valueOf(store, 'k')), table)
  }
  for (const table of ['', '.', 'a.', 'a.b.c', 'a\0b', '\ud800', 'x'.repeat(64)]) {
    t.throws(() => postgresStore({ client: pool, table }), TypeError)
  }
})

await t.test('metadata may be any text, and the table can be read with SQL', async (t) => {
  const { store, pool, table } = storeIn(t)
  const metadata = { nul: 'a\0b', lone: '\ud800', quote: `'"\\`, '': '🦊' }
  const info = await store.write('k', 'v', { metadata, contentType: 'a/\0' })
  t.same((await store.stat('k'))?.metadata, metadata)
  t.same(await store.stat('k'), info)
  const text = `SELECT convert_from(key, 'UTF8') AS key, value FROM "${table}"`
  t.same((await pool.query(text)).rows, [{ key: 'k', value: Buffer.from('v') }])
})

await t.test('a listing of many pages gives every key once, in order, a prefix too', async (t) => {
  const { store, pool, table } = storeIn(t)
  await store.write('a', '')
  await pool.query(
    `INSERT INTO "${table}" SELECT convert_to('n/' || i, 'UTF8'), '', version, 0, '', null, null
     FROM "${table}", generate_series(1, 1501) i`,
  )
  await store.write('n0', '')
  const listed = async (prefix?: string): Promise<string[]> => {
    const keys: string[] = []
    for await (const { key } of store.list({ prefix })) keys.push(key)
    return keys
  }
  const all = await listed()
  t.equal(all.length, 1503)
  t.same(all, all.toSorted())
  t.equal((await listed('n/')).length, 1501)
  t.equal((await listed('n/150')).length, 3)
  t.same(await listed('o'), [])
})

await t.test(
  'of changes over one version, and of takers, one wins across connections',
  async (t) => {
    const { store, table } = storeIn(t)
    const others = Array.from({ length: 6 }, () => storeIn(t, { table }).store)
    for (let round = 0; round < 20; round += 1) {
      const { version: ifVersion } = await store.write('k', 'same')
      const changes = others.map((other, i) =>
        i % 2 === 0 ? other.write('k', 'same', { ifVersion }) : other.remove('k', { ifVersion }),
      )
      t.equal(fulfilled(await Promise.allSettled(changes)), 1)
      await store.write('k', 'taken')
      const taken = await Promise.all(others.map(async (other) => consume(await other.take('k'))))
      t.same(taken.filter((value) => value !== undefined).map(String), ['taken'])
      const adds = others.map((other, i) => other.write('k', `${i}`, { ifAbsent: true }))
      t.equal(fulfilled(await Promise.allSettled(adds)), 1)
      await store.remove('k')
    }
  },
)

await t.test('what has expired is absent by the clock of the server, and is removed', async (t) => {
  const { store, pool, table } = storeIn(t)
  for (let i = 0; i < 5; i += 1) await store.write(`short ${i}`, 'v', { ttlMs: 1 })
  const { version } = await store.write('over', 'v', { ttlMs: 1 })
  await store.write('long', 'v', { ttlMs: 3_600_000 })
  await sleep(20)
  await t.rejects(store.write('over', 'w', { ifVersion: version }), { code: 'PRECONDITION_FAILED' })
  await t.rejects(store.remove('over', { ifVersion: version }), { code: 'PRECONDITION_FAILED' })
  t.equal(await store.remove('short 0'), false)
  t.equal(await store.take('short 1'), undefined)
  await store.write('short 2', 'new', { ifAbsent: true })
  t.equal(await store.removeExpired(), 4)
  const { rows } = await pool.query(`SELECT count(*)::int AS count FROM "${table}"`)
  t.same(rows, [{ count: 2 }])
})

await t.test('a value has a largest size, and what is larger is stopped', async (t) => {
  const { store } = storeIn(t, { maxValueBytes: 1000 })
  await store.write('k', pattern(1000))
  let given = 0
  let isStopped = false
  const long = async function* (): AsyncGenerator<Buffer> {
    try {
      while (given < 1000) {
        given += 1
        yield Buffer.alloc(100)
      }
    } finally {
      isStopped = true
    }
  }
  const tooLarge = { code: 'TOO_LARGE', key: 'k', operation: 'write' }
  await t.rejects(store.write('k', long()), tooLarge)
  t.ok(isStopped)
  t.equal(given, 11)
  t.ok((await valueOf(store, 'k'))?.equals(pattern(1000)))
  const large = storeIn(t, { maxValueBytes: 64 * 1024 * 1024 }).store
  const value = pattern(20 * 1024 * 1024)
  await large.write('k', value)
  t.ok((await valueOf(large, 'k'))?.equals(value))
})

await t.test('a change that waits can be aborted, and the reply is waited for', async (t) => {
  const { store, pool, table } = storeIn(t)
  await store.write('k', 'old')
  const blocker = await pool.connect()
  await blocker.query('BEGIN')
  await blocker.query(`LOCK TABLE "${table}" IN ACCESS EXCLUSIVE MODE`)
  const startMs = performance.now()
  const abort = (): AbortSignal => AbortSignal.timeout(50)
  await t.rejects(store.stat('k', { signal: abort() }), { code: 'ABORTED' })
  const tookMs = performance.now() - startMs
  await t.rejects(store.write('k', 'new', { signal: abort() }), { code: 'ABORTED' })
  t.ok(tookMs < 900, `a look is given up at once, after ${tookMs} ms`)
  t.ok(performance.now() - startMs > 900, 'a change is not')
  const late = store.write('late', 'v', { signal: abort() })
  await sleep(300)
  await blocker.query('COMMIT')
  blocker.release()
  t.match(await late, { key: 'late' }, 'it was done all the same')
})

await t.test('a client in a transaction takes the store into it', async (t) => {
  const { store, pool, table } = storeIn(t)
  await store.write('k', 'old')
  const client = await pool.connect()
  const within = postgresStore({ client, table })
  await client.query('BEGIN')
  // pg warns of a client that is given more than one thing at a time.
  const warnings: Error[] = []
  const listen = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listen)
  await Promise.all(Array.from({ length: 5 }, () => within.write('k', 'new')))
  await sleep(10)
  process.off('warning', listen)
  t.same(warnings, [])
  t.equal(String(await valueOf(store, 'k')), 'old')
  t.equal(String(await valueOf(within, 'k')), 'new')
  await client.query('ROLLBACK')
  t.equal(String(await valueOf(within, 'k')), 'old')
  client.release()
})

await t.test('what goes wrong says what to do', async (t) => {
  const { store, pool, table } = storeIn(t)
  await store.write('k', 'v')
  await pool.query('CREATE ROLE reader LOGIN')
  await pool.query(`GRANT SELECT ON "${table}" TO reader`)
  const asReader = postgresStore({ client: server.pool({ user: 'reader' }), table })
  t.equal(String(await valueOf(asReader, 'k')), 'v', 'it need not be able to make tables')
  const denied = { code: 'ACCESS_DENIED', key: 'k', operation: 'write', cause: { code: '42501' } }
  await t.rejects(asReader.write('k', 'w'), denied)
  await t.rejects(asReader.take('k'), { code: 'ACCESS_DENIED' })
  const elsewhere = postgresStore({ client: server.pool({ database: 'absent' }) })
  await t.rejects(elsewhere.read('k'), { code: 'NOT_A_STORE', message: /3D000/ })
  await pool.query('CREATE TABLE other (key bytea, content text)')
  const foreign = postgresStore({ client: pool, table: 'other' })
  await t.rejects(foreign.read('k'), { code: 'NOT_A_STORE' })
  for (const options of [
    {},
    { client: {} },
    { client: pool, table: 1 },
    { client: pool, maxValueBytes: '1' },
    { client: pool, ownsClient: 1 },
    { client: pool, pool },
  ]) {
    t.throws(() => postgresStore(options as never), TypeError)
  }
  t.throws(() => postgresStore({ client: pool, maxValueBytes: 2 ** 30 }), RangeError)
})

await t.test('a server that stops is UNAVAILABLE, and serves again when it is back', async (t) => {
  const { store } = storeIn(t)
  await store.write('k', 'v')
  await server.halt()
  await t.rejects(store.read('k'), { code: 'UNAVAILABLE', retryable: true })
  await t.rejects(store.write('k', 'w'), { code: 'UNAVAILABLE' })
  await server.begin()
  t.equal(String(await valueOf(store, 'k')), 'v')
})

await t.test('an URL opens a table', async (t) => {
  const host = encodeURIComponent(server.directory)
  const url = `postgres://postgres@${host}/postgres?table=by+url&maxValueBytes=10`
  const [store, other] = [await openObjects(url), await openObjects(url)]
  await store.write('k', 'v')
  t.equal(String(await valueOf(other, 'k')), 'v')
  await t.rejects(store.write('k', pattern(11)), { code: 'TOO_LARGE' })
  await store.close()
  await store.close()
  await other.close()
  const withPassword = openObjects('postgres://a:secret@host/db')
  await t.rejects(withPassword, { name: 'TypeError', message: /^(?!.*secret).*PGPASSWORD/ })
  await t.rejects(openObjects('postgres://host/db?tabel=x'), /there are table/)
})
