import t from 'tap'
import { initialState, linearize, type Action } from './linearizability.js'

type Told = [kind: Action['kind'], called: number, returned: number, more?: Partial<Action>]

const act = ([kind, called, returned, more]: Told): Action => ({ kind, called, returned, ...more })
const explains = (told: readonly Told[], ...initial: Parameters<typeof initialState>): boolean =>
  linearize(initialState(...initial), told.map(act)) !== undefined

const write = (value: string, called: number, returned: number, atMs?: number): Told => [
  'write',
  called,
  returned,
  { value, atMs },
]
const read = (result: string | undefined, called: number, returned: number): Told => [
  'read',
  called,
  returned,
  { result },
]
const add = (value: string, result: boolean, called: number, returned: number): Told => [
  'add',
  called,
  returned,
  { value, result },
]
const take = (result: string | undefined, called: number, returned: number): Told => [
  'take',
  called,
  returned,
  { result },
]
const remove = (result: boolean, called: number, returned: number): Told => [
  'remove',
  called,
  returned,
  { result },
]
const unknown = (told: Told): Told => [told[0], told[1], Infinity, { ...told[3], isUnknown: true }]
const late = (told: Told, calledAtMs?: number): Told => {
  return [told[0], told[1], told[2], { ...told[3], isLate: true, calledAtMs }]
}
const calledAt = (calledAtMs: number, told: Told): Told => {
  return [told[0], told[1], told[2], { ...told[3], calledAtMs }]
}
const tick = (atMs: number, at: number): Told => ['tick', at, at, { atMs }]

await t.test('histories that can be explained are', async (t) => {
  const good: Record<string, readonly Told[]> = {
    'nothing at all': [],
    'one after the other': [
      write('A', 0, 0),
      read('A', 1, 1),
      remove(true, 2, 2),
      read(undefined, 3, 3),
    ],
    'a read beside a write sees the old': [write('A', 0, 0), write('B', 1, 3), read('A', 2, 2)],
    'or the new': [write('A', 0, 0), write('B', 1, 3), read('B', 2, 2)],
    'writes beside each other take any order': [
      write('A', 0, 5),
      write('B', 0, 5),
      read('B', 6, 6),
      write('C', 0, 5),
      read('B', 7, 7),
    ],
    'one of two adds wins': [add('A', false, 0, 2), add('B', true, 1, 3), read('B', 4, 4)],
    'an add wins between a take and a write': [
      write('A', 0, 0),
      take('A', 1, 4),
      add('B', true, 2, 3),
      take('B', 5, 5),
    ],
    'a write of unknown outcome was done late': [
      unknown(write('B', 0, 0)),
      write('A', 1, 1),
      read('A', 2, 2),
      read('B', 3, 3),
    ],
    'or never': [unknown(write('B', 0, 0)), write('A', 1, 1), read('A', 2, 2), read('A', 3, 3)],
    'a take of unknown outcome emptied the key': [
      write('A', 0, 0),
      unknown(take(undefined, 1, 1)),
      read('A', 2, 2),
      read(undefined, 3, 3),
    ],
    'what has expired is absent': [
      write('A', 0, 0, 10),
      read('A', 1, 1),
      tick(10, 2),
      read(undefined, 3, 3),
      remove(false, 4, 4),
      add('B', true, 5, 5),
      read('B', 6, 6),
    ],
    'a read beside a tick sees either': [write('A', 0, 0, 10), tick(10, 2), read('A', 1, 3)],
    'a clear answers nothing': [write('A', 0, 0), ['clear', 1, 1], read(undefined, 2, 2)],
    'what was put aside comes back': [
      write('A', 0, 0),
      ['conceal', 1, 5, { isUnknown: true, pair: 1 }],
      ['restore', 1, 5, { isUnknown: true, pair: 1 }],
      read(undefined, 3, 3),
      read('A', 6, 6),
    ],
  }
  for (const [name, told] of Object.entries(good)) t.ok(explains(told), name)
  t.ok(explains([read('A', 0, 0)], 'A'), 'the state before counts')
  t.ok(explains([read(undefined, 0, 0)], 'A', 0), 'and may have expired')
})

await t.test('histories that cannot be explained are not', async (t) => {
  const bad: Record<string, readonly Told[]> = {
    'a value nobody wrote': [read('A', 0, 0)],
    'a false miss': [write('A', 0, 0), write('B', 1, 3), read(undefined, 2, 2)],
    'a stale read': [write('A', 0, 0), write('B', 1, 1), read('A', 2, 2)],
    'two reads that disagree on the order': [
      write('A', 0, 9),
      write('B', 0, 9),
      read('A', 1, 1),
      read('B', 2, 2),
      read('A', 3, 3),
    ],
    'two adds that win': [add('A', true, 0, 2), add('B', true, 1, 3)],
    'an add that loses to nobody': [add('A', false, 0, 0)],
    'two takes of one value': [write('A', 0, 0), take('A', 1, 3), take('A', 2, 4)],
    'a removal of nothing': [remove(true, 0, 0)],
    'a removal that misses': [write('A', 0, 0), remove(false, 1, 1)],
    'a write that is undone': [write('A', 0, 0), remove(true, 1, 1), read('A', 2, 2)],
    'a write of unknown outcome that comes and goes': [
      write('A', 0, 0),
      unknown(write('B', 1, 1)),
      read('B', 2, 2),
      read('A', 3, 3),
    ],
    'an expired value': [write('A', 0, 0, 10), tick(10, 1), read('A', 2, 2)],
    'one that expires too early': [write('A', 0, 0, 10), tick(9, 1), read(undefined, 2, 2)],
    'one put aside for longer than that took': [
      write('A', 0, 0),
      ['conceal', 1, 3, { isUnknown: true, pair: 1 }],
      ['restore', 1, 3, { isUnknown: true, pair: 1 }],
      read('A', 4, 4),
      read(undefined, 5, 5),
    ],
    'a deadline that has passed': [
      ['write', 0, 0, { value: 'A', isUnknown: true }],
      read(undefined, 1, 1),
      read('A', 2, 2),
    ],
  }
  for (const [name, told] of Object.entries(bad)) t.notOk(explains(told), name)
})

await t.test('what had expired when a call began was absent to it, and not before', async (t) => {
  const expiring = write('A', 0, 0, 10)
  const outlives = (...told: Told[]): boolean => explains([expiring, tick(10, 1), ...told])
  t.ok(outlives(calledAt(9, read('A', 2, 2))), 'it looked at the clock before the tick')
  t.notOk(outlives(calledAt(10, read('A', 2, 2))))
  t.ok(outlives(calledAt(9, read(undefined, 2, 2))), 'or after it')
  t.ok(outlives(calledAt(9, take('A', 2, 2)), read(undefined, 3, 3)))
  t.notOk(outlives(calledAt(9, take('A', 2, 2)), calledAt(9, take('A', 3, 3))), 'once')
  t.ok(outlives(calledAt(9, remove(true, 2, 2)), calledAt(10, remove(false, 3, 3))))
  t.notOk(outlives(calledAt(10, remove(true, 2, 2))))
  t.ok(outlives(calledAt(9, ['has', 2, 2, { result: true }])))
  t.notOk(outlives(calledAt(9, add('B', false, 2, 2))), 'an add goes by the time of its link')
  t.notOk(outlives(write('B', 2, 2), calledAt(9, read('A', 3, 3))), 'what was replaced is gone')
})

await t.test('what may be seen late is what was there, and takes nothing away', async (t) => {
  const two = [write('A', 1, 1), write('B', 2, 2)]
  const sees = (...told: Told[]): boolean => explains([...two, ...told], 'I')
  t.notOk(sees(read('A', 3, 3)))
  t.ok(sees(late(read('A', 3, 3)), late(read('I', 4, 4)), read('B', 5, 5)), 'in any order')
  t.notOk(sees(late(read(undefined, 3, 3))), 'it was never absent')
  t.notOk(sees(late(read('X', 3, 3))), 'nobody wrote that')
  t.notOk(explains([late(read('A', 0, 0)), write('A', 1, 1)]), 'not yet written')
  t.notOk(sees(take('A', 3, 3), late(read('B', 4, 4))), 'a take is not late')
  t.notOk(explains([add('A', true, 0, 0), late(read('A', 1, 1)), add('B', true, 2, 2)]))
  const gone = [write('A', 0, 0), remove(true, 1, 1), write('B', 2, 2)]
  const misses = [late(take(undefined, 3, 3)), late(remove(false, 4, 4)), late(read('A', 5, 5))]
  t.ok(explains([...gone, ...misses, read('B', 6, 6)]))
  t.ok(explains([add('A', true, 0, 0), remove(true, 1, 1), late(add('B', false, 2, 2))]))
  const expired = [write('A', 0, 0, 10), tick(10, 1)]
  t.ok(explains([...expired, late(read('A', 2, 2), 9)]))
  t.notOk(explains([...expired, late(read('A', 2, 2), 10)]), 'nor do clocks go back')
})

await t.test('a long history of concurrent writes is judged quickly', async (t) => {
  const writes = Array.from({ length: 14 }, (_, i) => write(`v${i}`, 0, 50))
  const reads = Array.from({ length: 14 }, (_, i) => read(`v${13 - i}`, i * 3 + 1, i * 3 + 2))
  t.ok(explains([...writes, ...reads]))
  t.notOk(
    explains([...writes, ...reads, read('v13', 60, 60), read('v13', 61, 61), read('v1', 62, 62)]),
  )
})
