import { mkdirSync, readdirSync, statSync, writeFileSync, copyFileSync, existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { MAX_CELL_BYTES, open, type Cell, type CellState } from '../index.js'
import { cellDirectory, generationsOf, place, until } from './support/coordination.js'
import { scratchDirectory } from './support/surroundings.js'

const NEVER = { value: undefined, generation: 0 }
const numberOf = (value: Buffer | undefined): number => Number(value?.toString() ?? 0)

async function increment(cell: Cell): Promise<CellState> {
  return await cell.update((value) => `${numberOf(value) + 1}`)
}

await t.test('a cell is set if it is still at the generation that was read', async (t) => {
  const { store, root } = await place(t)
  const cell = store.cell('leader')
  t.equal(cell.name, 'leader')
  t.same(await cell.read(), NEVER)
  t.notOk(existsSync(`${root}/.cells`), 'which makes nothing')
  t.equal(await cell.compareAndSet(1, 'future'), undefined)
  t.equal(await cell.compareAndSet(0, 'one'), 1)
  t.equal(await cell.compareAndSet(0, 'again'), undefined)
  t.equal(await cell.compareAndSet(2, 'future'), undefined)
  t.same(await cell.read(), { value: Buffer.from('one'), generation: 1 })
  t.equal(await cell.compareAndSet(1, 'two', { durability: 'full' }), 2)
  t.equal(await cell.compareAndSet(1, 'late'), undefined)
  t.same(await store.cell('leader').read(), { value: Buffer.from('two'), generation: 2 })
  t.same(await store.cell('follower').read(), NEVER)
  t.same(generationsOf(root, '.cells', 'leader'), [1, 2])
})

await t.test('removing a value leaves a generation, and what follows is higher', async (t) => {
  const { store, another } = await place(t)
  const cell = store.cell('c')
  const rival = (await another()).cell('c')
  t.equal(await cell.compareAndSet(0, undefined), 1, 'even where there was none')
  t.equal(await cell.compareAndSet(1, 'a'), 2)
  t.equal(await rival.compareAndSet(2, undefined), 3)
  t.same(await cell.read(), { value: undefined, generation: 3 })
  t.equal(await cell.compareAndSet(0, 'as if it were new'), undefined)
  t.equal(await cell.compareAndSet(2, 'as if it were there'), undefined)
  t.equal(await cell.compareAndSet(3, 'b'), 4)
  t.match(await cell.update(() => undefined), { value: undefined, generation: 5 })
  t.match(await cell.update(() => undefined), { generation: 5 }, 'removed it is already')
  t.same(await rival.read(), { value: undefined, generation: 5 })
})

await t.test('no update is lost in one process or over two stores', async (t) => {
  const { store, another } = await place(t)
  const rival = await another()
  const cells = [store.cell('n'), store.cell('n'), rival.cell('n')]
  const seen: number[] = []
  const counting = cells.map(async (cell) => {
    for (let count = 0; count < 40; count += 1) seen.push((await increment(cell)).generation)
  })
  await Promise.all(counting)
  t.same(await store.cell('n').read(), { value: Buffer.from('120'), generation: 120 })
  t.same(
    seen.sort((one, other) => one - other),
    Array.from({ length: 120 }, (_, index) => index + 1),
    'each is told its own generation',
  )
})

await t.test('of many that set one generation one is done', async (t) => {
  const { store, another } = await place(t)
  const rival = await another()
  for (let generation = 0; generation < 10; generation += 1) {
    const setting = Array.from({ length: 8 }, async (_, index) => {
      const cell = (index % 2 === 0 ? store : rival).cell('c')
      return [await cell.compareAndSet(generation, `by ${index}`), index] as const
    })
    const won = (await Promise.all(setting)).filter(([made]) => made !== undefined)
    t.same(won, [[generation + 1, won[0]?.[1]]])
    t.equal((await store.cell('c').read()).value?.toString(), `by ${won[0]?.[1]}`)
  }
})

await t.test('an update may take its time, fail, or change nothing', async (t) => {
  const { store, root } = await place(t)
  const cell = store.cell('n')
  await Promise.all(
    Array.from({ length: 4 }, () =>
      cell.update(async (value) => {
        await setTimeout(5)
        return `${numberOf(value) + 1}`
      }),
    ),
  )
  t.equal(numberOf((await cell.read()).value), 4)
  const error = new Error('mine')
  await t.rejects(
    cell.update(() => Promise.reject(error)),
    error,
  )
  t.match(await cell.update((value) => value), { generation: 4 })
  t.same(generationsOf(root, '.cells', 'n'), [1, 2, 3, 4])
  const grown = await cell.update((value) => {
    value!.write('5')
    return value
  })
  t.same(grown, { value: Buffer.from('5'), generation: 5 }, 'what was changed in place is written')
  const aborted = AbortSignal.abort()
  const gone = { code: 'ABORTED', operation: 'read cell', key: 'n' }
  await t.rejects(
    cell.update(() => 'x', { signal: aborted }),
    gone,
  )
  await t.rejects(cell.read({ signal: aborted }), gone)
  await t.rejects(cell.compareAndSet(5, 'x', { signal: aborted }), gone)
  const stop = new AbortController()
  const rival = store.cell('n')
  const never = cell.update(
    async (value) => {
      await increment(rival)
      if (numberOf(value) >= 8) stop.abort()
      return 'never'
    },
    { signal: stop.signal },
  )
  await t.rejects(never, { code: 'ABORTED' }, 'it goes on until its signal aborts')
  t.equal(numberOf((await cell.read()).value), 9)
})

await t.test('who watches is told what there is, and each change at most once', async (t) => {
  const { store, another } = await place(t)
  const rival = (await another()).cell('c')
  const stop = new AbortController()
  const seen: CellState[] = []
  const watching = (async () => {
    const how = { intervalMs: 2, signal: stop.signal }
    for await (const state of store.cell('c').watch(how)) seen.push(state)
  })()
  await until(() => seen.length === 1, 'the first state is seen')
  t.same(seen, [NEVER])
  await rival.compareAndSet(0, 'a')
  await until(() => seen.length === 2, 'a change is seen')
  await setTimeout(20)
  t.same(seen.slice(1), [{ value: Buffer.from('a'), generation: 1 }], 'once')
  for (let count = 0; count < 30; count += 1) await rival.update(() => `${count}`)
  await rival.update(() => undefined)
  await until(() => seen.at(-1)?.generation === 32, 'the last is seen')
  const order = seen.map(({ generation }) => generation)
  t.same(
    order,
    [...new Set(order)].sort((one, other) => one - other),
  )
  t.same(seen.at(-1), { value: undefined, generation: 32 })
  stop.abort()
  await watching
  const none = store.cell('c').watch({ signal: AbortSignal.abort() })
  t.match(await none.next(), { done: true })
})

await t.test('watching ends at once with its signal, and with a break', async (t) => {
  const { store } = await place(t)
  const cell = store.cell('c')
  for await (const state of cell.watch()) {
    t.same(state, NEVER)
    break
  }
  const stop = new AbortController()
  const watch = cell.watch({ intervalMs: 3_600_000, signal: stop.signal })
  await watch.next()
  const next = watch.next()
  stop.abort()
  t.match(await next, { done: true })
  const other = cell.watch({ intervalMs: 1 })
  await other.next()
  await store.close()
  await t.rejects(other.next(), { code: 'CLOSED' })
})

await t.test('it holds text and bytes up to 64 KiB', async (t) => {
  const { store } = await place(t)
  const cell = store.cell('c')
  const most = Buffer.alloc(MAX_CELL_BYTES, 'x')
  t.equal(MAX_CELL_BYTES, 65_536)
  const values = ['', 'grüße 🦀', new Uint8Array([0, 255, 10]), new Uint8Array(0), most]
  for (const [index, value] of values.entries()) {
    t.equal(await cell.compareAndSet(index, value), index + 1)
    const expected = Buffer.from(value as string)
    t.ok((await store.cell('c').read()).value?.equals(expected), `value ${index}`)
  }
  const tooLarge = { name: 'RangeError', message: /at most 65536 bytes, not 65537; put.*object/ }
  await t.rejects(cell.compareAndSet(5, 'x'.repeat(65_537)), tooLarge)
  await t.rejects(cell.compareAndSet(5, 'é'.repeat(32_768) + 'x'), tooLarge)
  await t.rejects(
    cell.update(() => Buffer.alloc(65_537)),
    tooLarge,
  )
  for (const bad of [1, null, {}, [], new Uint16Array(2), Symbol('x')] as never[]) {
    await t.rejects(cell.compareAndSet(5, bad), { name: 'TypeError' })
    await t.rejects(
      cell.update(() => bad),
      { name: 'TypeError' },
    )
  }
  await t.rejects(cell.compareAndSet(5, '\ud800'), { name: 'TypeError', message: /surrogate/ })
  t.equal((await cell.read()).generation, 5)
})

await t.test('what a caller does to its bytes is not what others read', async (t) => {
  const { store } = await place(t)
  const cell = store.cell('c')
  const mine = Buffer.from('abc')
  const setting = cell.compareAndSet(0, mine)
  mine.fill('x')
  await setting
  const { value } = await cell.read()
  t.equal(value?.toString(), 'abc')
  value?.fill('y')
  const made = await cell.update((given) => {
    given?.fill('z')
    return 'def'
  })
  made.value?.fill('w')
  t.equal((await cell.read()).value?.toString(), 'def')
  t.equal((await store.cell('c').read()).value?.toString(), 'def')
})

await t.test('what is misused is refused', async (t) => {
  const { store } = await place(t)
  const cell = store.cell('c')
  for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    await t.rejects(cell.compareAndSet(bad, 'x'), { name: 'RangeError', message: /generation/ })
  }
  for (const bad of ['0', null, undefined, 0n] as never[]) {
    await t.rejects(cell.compareAndSet(bad, 'x'), { name: 'TypeError', message: /generation/ })
  }
  const unknown = { name: 'TypeError', message: /unknown option "ttlMs"/ }
  const wrong = { ttlMs: 1 } as never
  await t.rejects(cell.read(wrong), unknown)
  await t.rejects(cell.compareAndSet(0, 'x', wrong), unknown)
  await t.rejects(
    cell.update(() => 'x', wrong),
    unknown,
  )
  await t.rejects(cell.watch(wrong).next(), unknown)
  await t.rejects(cell.update('x' as never), { name: 'TypeError', message: /function/ })
  await t.rejects(cell.compareAndSet(0, 'x', { durability: 'most' as never }), {
    name: 'TypeError',
  })
  for (const intervalMs of [0, -1, NaN, 2 ** 31]) {
    await t.rejects(cell.watch({ intervalMs }).next(), { name: 'RangeError' })
  }
  t.same(await cell.read(), NEVER)
})

await t.test('a cell is named as an object is, and shares nothing with it', async (t) => {
  const { store, root } = await place(t)
  for (const bad of ['\ud800', 'x'.repeat(65_537)]) {
    t.throws(() => store.cell(bad), { code: 'INVALID_KEY' })
  }
  const names = ['', 'x'.repeat(65_536), 'ключ/🔑', '../..', ' ', '.cells', 'a\0b']
  for (const [index, name] of names.entries()) {
    await store.cell(name).compareAndSet(0, `${index}`)
    await store.set(name, `object ${index}`)
  }
  for (const [index, name] of names.entries()) {
    t.equal((await store.cell(name).read()).value?.toString(), `${index}`)
    t.equal((await store.get(name))?.toString(), `object ${index}`)
  }
  t.equal(await store.count(), names.length)
  t.match(await store.verify(), { objects: names.length, findings: [] })
  t.equal(await store.clear(), names.length)
  t.equal((await store.cell(' ').read()).value?.toString(), '4')
  t.same(readdirSync(`${root}/.cells`).length > 1, true)
})

await t.test('only where it can be had', async (t) => {
  const { root, store } = await place(t)
  await store.cell('c').compareAndSet(0, 'x')
  const readOnly = await open(root, { readOnly: true })
  t.equal((await readOnly.cell('c').read()).value?.toString(), 'x')
  const denied = { code: 'ACCESS_DENIED', key: 'c' }
  await t.rejects(readOnly.cell('c').compareAndSet(1, 'y'), denied)
  await t.rejects(increment(readOnly.cell('c')), denied)
  await readOnly.close()
  const cell = store.cell('c')
  await store.close()
  t.throws(() => store.cell('c'), { code: 'CLOSED' })
  const closed = { code: 'CLOSED', key: 'c' }
  await t.rejects(cell.read(), closed)
  await t.rejects(cell.compareAndSet(1, 'y'), closed)
  await t.rejects(increment(cell), closed)
  const raw = await open(`${await scratchDirectory(t)}/raw`, { format: 'raw' })
  t.throws(() => raw.cell('c'), { code: 'NOT_SUPPORTED' })
  await t.rejects(raw.lease('c'), { code: 'NOT_SUPPORTED' })
  await t.rejects(
    raw.getOrCreate('c', () => 'x'),
    { code: 'NOT_SUPPORTED' },
  )
  await raw.close()
})

await t.test('a damaged generation is CORRUPT, and says where it lies', async (t) => {
  const { root, store, another } = await place(t)
  await store.cell('c').compareAndSet(0, 'x')
  await store.cell('other').compareAndSet(0, 'x')
  const path = `${cellDirectory(root, '.cells', 'c')}/1`
  const cell = (await another()).cell('c')
  for (const damage of [
    () => writeFileSync(path, ''),
    () => writeFileSync(path, 'rubbish'.repeat(100)),
    () => copyFileSync(`${cellDirectory(root, '.cells', 'other')}/1`, path),
  ]) {
    damage()
    await t.rejects(cell.read(), { code: 'CORRUPT', path, key: 'c' })
    await t.rejects(increment(cell), { code: 'CORRUPT' })
  }
})

await t.test('a store that goes takes its cells along, one that comes finds them', async (t) => {
  const { root, store } = await place(t)
  await store.cell('c').compareAndSet(0, 'x')
  await (await store.lease('l')).release()
  await store.getOrCreate('o', () => 'y')
  await store.close()
  const again = await open(root, { create: false })
  t.equal((await again.cell('c').read()).value?.toString(), 'x')
  t.match(await again.verify(), { objects: 1, findings: [] })
  t.same(
    readdirSync(root).filter((name) => ['.cells', '.leases', '.flights'].includes(name)).length,
    3,
  )
  await again.destroy()
  t.notOk(existsSync(root))
})

await t.test('modes are those of the store', async (t) => {
  const { root, store } = await place(t, { dirMode: 0o2770, fileMode: 0o640 })
  await store.cell('c').compareAndSet(0, 'x')
  const directory = cellDirectory(root, '.cells', 'c')
  const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8)
  t.equal(modeOf(`${directory}/1`), '640')
  for (const up of ['', '/..', '/../..', '/../../..']) t.equal(modeOf(directory + up), '2770')
})

await t.test('a directory in the place of a generation does no harm', async (t) => {
  const { root, store } = await place(t)
  const cell = store.cell('c')
  await cell.compareAndSet(0, 'x')
  mkdirSync(`${cellDirectory(root, '.cells', 'c')}/2`)
  t.match(await store.cell('c').read(), { generation: 1 })
  t.equal(await cell.compareAndSet(1, 'y'), 2)
})
