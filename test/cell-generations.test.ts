import * as nodeFs from 'node:fs'
import { copyFileSync, existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { Cell, CellState } from '../index.js'
import { cellDirectory, generationsOf, place, until } from './support/coordination.js'
import { leftPrivate } from './support/queues.js'

/** What is always kept, and as much again before it is pruned. */
const KEPT = 16
const KEPT_MS = 1000

const numberOf = (value: Buffer | undefined): number => Number(value?.toString() ?? 0)

async function increment(cell: Cell): Promise<CellState> {
  return await cell.update((value) => `${numberOf(value) + 1}`)
}

await t.test('old generations are pruned', async (t) => {
  const { root, store } = await place(t)
  const cell = store.cell('n')
  let most = 0
  for (let count = 0; count < 1000; count += 1) {
    await increment(cell)
    if (count % 20 === 0) most = Math.max(most, generationsOf(root, '.cells', 'n').length)
  }
  t.ok(most <= 256 + 2 * KEPT, `of a second, and never too many: ${most}`)
  await setTimeout(KEPT_MS * 1.2)
  await increment(cell)
  await increment(cell)
  const kept = generationsOf(root, '.cells', 'n')
  t.ok(kept.length <= KEPT, `after a second ${kept.length}`)
  t.same(kept.slice(-8), [995, 996, 997, 998, 999, 1000, 1001, 1002], 'the last ones are kept')
  t.same(await cell.read(), { value: Buffer.from('1002'), generation: 1002 })
  t.same(await leftPrivate(root), [], 'and nothing is left under private names')
})

await t.test('what a contender left that came too late and died is pruned', async (t) => {
  const { root, store } = await place(t)
  const cell = store.cell('n')
  for (let count = 0; count < 40; count += 1) await increment(cell)
  await setTimeout(KEPT_MS * 1.2)
  for (let count = 0; count < KEPT; count += 1) await increment(cell)
  const directory = cellDirectory(root, '.cells', 'n')
  t.notOk(existsSync(`${directory}/3`))
  const highest = generationsOf(root, '.cells', 'n').at(-1)
  copyFileSync(`${directory}/${highest}`, `${directory}/3`)
  t.match(await store.cell('n').read(), { generation: 56 }, 'nobody reads it')
  t.equal(await cell.compareAndSet(2, 'too late as well'), undefined)
  for (let count = 0; count < 256; count += 1) await increment(cell)
  t.notOk(existsSync(`${directory}/3`), 'it goes when it is far behind')
  await setTimeout(KEPT_MS * 1.2)
  await increment(cell)
  t.ok(generationsOf(root, '.cells', 'n').length <= KEPT)
  t.match(await cell.read(), { value: Buffer.from('313'), generation: 313 })
})

await t.test('whoever goes by a stale view is too late, whatever was pruned since', async (t) => {
  const { root, store, another } = await place(t)
  const cell = store.cell('n')
  for (let count = 0; count < 4; count += 1) await increment(cell)
  const links: (() => void)[] = []
  let isHeld = false
  const fs = {
    ...nodeFs,
    link: (from: string, to: string, done: (error: unknown) => void) => {
      const go = (): void => nodeFs.link(from, to, done)
      if (isHeld && to.includes('.cells')) links.push(go)
      else go()
    },
  }
  const slow = (await another({ fs })).cell('n')
  isHeld = true
  const setting = slow.compareAndSet(4, 'late')
  await until(() => links.length === 1, 'it is about to link')
  for (let count = 0; count < 300; count += 1) await increment(cell)
  t.notOk(existsSync(`${cellDirectory(root, '.cells', 'n')}/5`), 'its number is free again')
  isHeld = false
  links[0]!()
  t.equal(await setting, undefined)
  t.notOk(existsSync(`${cellDirectory(root, '.cells', 'n')}/5`), 'and it is taken back')
  t.equal(numberOf((await slow.read()).value), 304)
})
