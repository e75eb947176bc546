import { tracingChannel } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { hashKey, OPERATION_NAMES, type OperationMessage } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withTrace } from '../../lib/layers/traced.js'

/** Collects what is published until the test ends, at the start and at the end of each. */
function listen(t: Test): { readonly began: string[]; readonly ended: OperationMessage[] } {
  const began: string[] = []
  const ended: OperationMessage[] = []
  for (const name of OPERATION_NAMES) {
    const channel = tracingChannel<unknown, OperationMessage>(`linkstore:${name}`)
    const subscribers = {
      start: ({ operation }: OperationMessage) => void began.push(operation),
      end: () => undefined,
      asyncStart: () => undefined,
      asyncEnd: (message: OperationMessage) => void ended.push({ ...message }),
      error: () => undefined,
    }
    channel.subscribe(subscribers)
    t.teardown(() => channel.unsubscribe(subscribers))
  }
  return { began, ended }
}

async function* pieces(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(100_000)
  yield Buffer.alloc(50_000)
}

await t.test('each call is published, with the bytes of its value', async (t) => {
  const store = withTrace(memoryStore(), { name: 'a store' })
  const { began, ended } = listen(t)
  const last = (): Partial<OperationMessage> => ended.at(-1) ?? {}
  await store.write('k', 'value')
  t.match(last(), { operation: 'write', outcome: 'done', bytesWritten: 5, root: 'a store' })
  t.equal(last().keyHash, hashKey('k'))
  await store.write('new', pieces(), { ifAbsent: true })
  t.match(last(), { operation: 'add', outcome: 'done', bytesWritten: 150_000 })
  await t.rejects(store.write('new', 'x', { ifAbsent: true }), { code: 'PRECONDITION_FAILED' })
  t.match(last(), { operation: 'add', outcome: 'refused', error: undefined })
  await store.stat('nobody')
  t.match(last(), { operation: 'stat', outcome: 'absent' })
  const large = (await store.read('new'))!
  t.match(last(), { operation: 'read', outcome: 'done', bytesRead: 0 })
  const part = large.stream({ start: 10, end: 19 })
  for await (const piece of part as AsyncIterable<Buffer>) t.equal(piece.length, 10)
  t.match(last(), { operation: 'stream', outcome: 'done', bytesRead: 10 })
  t.equal((await large.bytes()).length, 150_000)
  t.match(last(), { operation: 'stream', outcome: 'done', bytesRead: 150_000 })
  await large.close()
  t.equal(await (await store.take('k'))!.text(), 'value')
  t.match(ended.at(-2), { operation: 'take', outcome: 'done' })
  t.equal(await store.remove('k'), false)
  t.match(last(), { operation: 'remove', outcome: 'absent' })
  for await (const info of store.list()) t.equal(info.key, 'new')
  t.match(last(), { operation: 'list', outcome: 'done', keyHash: undefined })
  await store.close()
  t.match(last(), { operation: 'close', outcome: 'done' })
  t.equal(began.length, ended.length)
  await t.rejects(store.stat('k'), { code: 'CLOSED' })
  t.match(last(), { operation: 'stat', outcome: 'failed', error: { code: 'CLOSED' } })
  t.notOk(ended.some(({ error }) => (error as { key?: string } | undefined)?.key !== undefined))
})

await t.test('what fails on the way is published, and misuse is not', async (t) => {
  const store = withTrace(memoryStore(), { name: 'a store' })
  const { began, ended } = listen(t)
  const reason = new Error('no more')
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.alloc(10)
    await Promise.resolve()
    throw reason
  }
  await t.rejects(store.write('k', body()), reason)
  t.match(ended.at(-1), { operation: 'write', outcome: 'failed', bytesWritten: 10, error: reason })
  const count = began.length
  await t.rejects(store.write('\ud800', 'value'), { code: 'INVALID_KEY' })
  await t.rejects(store.stat('\ud800'), { code: 'INVALID_KEY' })
  await t.rejects(store.remove('x'.repeat(65_537)), { code: 'INVALID_KEY' })
  t.equal(began.length, count)
  t.throws(() => withTrace(memoryStore(), {} as { name: string }), TypeError)
  t.throws(() => withTrace(memoryStore(), { name: 'n', other: 1 } as { name: string }), TypeError)
  await store.close()
})
