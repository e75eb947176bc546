import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import * as nodeFs from 'node:fs'
import { constants } from 'node:os'
import t, { type Test } from 'tap'
import { hashKey, open, openSync } from '../../index.js'
import { instrument } from '../../lib/adapters/otel.js'
import { publishNotice } from '../../lib/diagnostics.js'
import { failureOf } from '../support/faces.js'
import { FaultyFileSystem } from '../support/faults.js'
import { scratchDirectory } from '../support/surroundings.js'

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

interface Point {
  readonly value: unknown
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Providers with exporters in memory, and what these have got. */
function collect(t: Test) {
  const spans = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spans)],
  })
  const exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({
    exporter: exported,
    exportIntervalMillis: 3_600_000,
  })
  const meterProvider = new MeterProvider({ readers: [reader] })
  t.teardown(async () => {
    await tracerProvider.shutdown()
    await meterProvider.shutdown()
  })
  return {
    providers: { tracerProvider, meterProvider },
    takeSpans: (): ReadableSpan[] => {
      const finished = spans.getFinishedSpans()
      spans.reset()
      return finished
    },
    /** The points of a metric whose attributes are such. */
    points: async (name: string, attributes: object = {}): Promise<Point[]> => {
      exported.reset()
      await reader.forceFlush()
      const all = exported
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      const found = all.filter(({ descriptor }) => descriptor.name === name)
      return found
        .flatMap(({ dataPoints }) => dataPoints as Point[])
        .filter((point) =>
          Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
        )
    },
  }
}

await t.test('each operation of both faces is a span, the child of the active one', async (t) => {
  const { providers, takeSpans } = collect(t)
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { durability: 'none' })
  using sync = openSync(root, { durability: 'none' })
  using _watch = instrument(providers)
  const tracer = providers.tracerProvider.getTracer('test')
  for (const face of [store, sync]) {
    const requests = ['a', 'b'].map((name) =>
      tracer.startActiveSpan(name, async (request) => {
        await face.set(`key of ${name}`, 'v')
        await face.get(`key of ${name}`)
        request.end()
        return request.spanContext()
      }),
    )
    const parents = await Promise.all(requests)
    const spans = takeSpans()
    for (const [index, name] of ['a', 'b'].entries()) {
      const hash = hashKey(`key of ${name}`)
      const own = spans.filter(({ attributes }) => attributes['linkstore.key.hash'] === hash)
      t.same(
        own.map((span) => span.name),
        [`write ${root}`, `read ${root}`],
      )
      for (const { parentSpanContext, status, attributes } of own) {
        t.equal(parentSpanContext?.spanId, parents[index]?.spanId)
        t.equal(status.code, SpanStatusCode.UNSET)
        t.match(attributes, { 'db.system.name': 'linkstore', 'db.namespace': root })
        t.equal(attributes['linkstore.outcome'], 'done')
      }
      t.ok(Number(own[0]?.attributes['linkstore.bytes.written']) > 1)
      t.ok(Number(own[1]?.attributes['linkstore.bytes.read']) > 1)
    }
  }
})

await t.test('a miss is no error, a failure is, and neither names the key', async (t) => {
  const { providers, takeSpans, points } = collect(t)
  const faulty = new FaultyFileSystem()
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { durability: 'none', fs: faulty.fs })
  using _watch = instrument(providers)
  await store.get('ada@example.org')
  await store.add('ada@example.org', 'v')
  await store.add('ada@example.org', 'v')
  t.same(
    takeSpans().map(({ status, attributes }) => [status.code, attributes['linkstore.outcome']]),
    [
      [SpanStatusCode.UNSET, 'absent'],
      [SpanStatusCode.UNSET, 'done'],
      [SpanStatusCode.UNSET, 'refused'],
    ],
  )
  faulty.fault = { call: 'rename', on: 'name', number: constants.errno.ENOSPC, code: 'ENOSPC' }
  await failureOf(() => store.set('ada@example.org', 'v'))
  faulty.fault = undefined
  const [failed] = takeSpans()
  t.match(failed?.status, { code: SpanStatusCode.ERROR, message: /ENOSPC/ })
  t.equal(failed?.attributes['error.type'], 'NO_SPACE')
  t.equal(failed?.events[0]?.name, 'exception')
  t.notMatch(JSON.stringify([failed?.attributes, failed?.events, failed?.status]), 'ada@')
  const failures = await points('db.client.operation.duration', { 'error.type': 'NO_SPACE' })
  t.match(failures, [{ value: { count: 1 } }])
})

await t.test('metrics tell of latencies, bytes, proofs, ESTALE, sweeps, notices', async (t) => {
  const { providers, points } = collect(t)
  const root = `${await scratchDirectory(t)}/store`
  let stales = 0
  const linkSync = (from: string, to: string): void => {
    if (stales > 0) {
      stales -= 1
      const errno = -constants.errno.ESTALE
      throw Object.assign(new Error('stale'), { errno, syscall: 'link' })
    }
    nodeFs.linkSync(from, to)
  }
  using store = openSync(root, { durability: 'none', fs: { ...nodeFs, linkSync } })
  using watch = instrument(providers)
  store.set('k', Buffer.alloc(5000))
  stales = 1
  store.get('k')
  store.get('none')
  store.sweep({ maxObjects: 0, dryRun: true })
  store.sweep({ maxObjects: 0 })
  publishNotice('a test', undefined)
  const reads = { 'db.operation.name': 'read', 'db.namespace': root }
  const [durations] = await points('db.client.operation.duration', {
    ...reads,
    'linkstore.outcome': 'done',
  })
  t.match(durations?.value, {
    count: 1,
    buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
  })
  const one = async (name: string, attributes: object): Promise<number> => {
    const found = await points(name, attributes)
    t.equal(found.length, 1, `${name} ${JSON.stringify(attributes)}`)
    return Number(found[0]?.value)
  }
  const written = { 'db.operation.name': 'write', 'disk.io.direction': 'write' }
  t.ok((await one('linkstore.io', written)) > 5000)
  t.ok((await one('linkstore.io', { ...reads, 'disk.io.direction': 'read' })) > 5000)
  for (const reason of ['proved_absent', 'found_after_all', 'stale']) {
    t.equal(await one('linkstore.retries', { ...reads, 'linkstore.retry.reason': reason }), 1)
  }
  const evicted = { 'linkstore.sweep.kind': 'evicted' }
  t.equal(await one('linkstore.sweep.names', evicted), 1)
  t.ok((await one('linkstore.sweep.freed', evicted)) > 5000)
  t.equal(await one('linkstore.notices', {}), 1)
  t.equal(await one('linkstore.operations.active', reads), 0)
  watch.disable()
  watch.disable()
  store.get('k')
  const found = await points('db.client.operation.duration', reads)
  t.equal(
    found.reduce((sum, { value }) => sum + (value as { count: number }).count, 0),
    2,
  )
})

await t.test('what is under way counts as active, and is let go of by disable', async (t) => {
  const { providers, points, takeSpans } = collect(t)
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { durability: 'none' })
  await store.set('k', 'v')
  const watch = instrument(providers)
  const listing = store.list()[Symbol.asyncIterator]()
  await listing.next()
  const lists = { 'db.operation.name': 'list' }
  t.match(await points('linkstore.operations.active', lists), [{ value: 1 }])
  watch.disable()
  t.match(await points('linkstore.operations.active', lists), [{ value: 0 }])
  t.equal(takeSpans().length, 1)
  await listing.return?.()
})

await t.test('spans can be kept to those that have a parent', async (t) => {
  const { providers, takeSpans } = collect(t)
  const root = `${await scratchDirectory(t)}/store`
  using store = openSync(root, { durability: 'none' })
  using _watch = instrument({ ...providers, requireParentSpan: true })
  store.get('k')
  t.same(takeSpans(), [])
  const parent = providers.tracerProvider.getTracer('test').startSpan('parent')
  context.with(trace.setSpan(context.active(), parent), () => store.get('k'))
  t.equal(takeSpans().length, 1)
  t.throws(() => instrument({ tracer: 'mine' } as object), TypeError)
})
