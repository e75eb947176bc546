/**
 * Two operations on one key, by two processes, in every order of their steps, on a simulated file
 * system: a local one, and NFS 4 between two hosts. Each end is judged: is there an order of the
 * operations, one after the other, that explains what they answered and what is left?
 */
import t from 'tap'
import type { Effect, Operation } from '../../lib/drivers/effects.js'
import { explore } from './exploration.js'
import { KEY, scenario, type Place } from './scenario.js'
import { systemError, Failure } from './system-error.js'
import { small, type Verb } from './verbs.js'

const PLACES: readonly Place[] = ['local', 'nfs4']

/** Every verb of one key; the values of the two processes differ. */
function verbs(value: string): readonly Verb[] {
  return [
    { kind: 'write', key: KEY, value: small(value) },
    { kind: 'add', key: KEY, value: small(value) },
    { kind: 'read', key: KEY },
    { kind: 'stat', key: KEY },
    { kind: 'take', key: KEY },
    { kind: 'remove', key: KEY },
  ]
}

function* pairs(): Generator<readonly [Verb, Verb]> {
  const others = verbs('B')
  for (const [index, one] of verbs('A').entries()) {
    for (const other of others.slice(index)) yield [one, other]
  }
}

/** The fault of a read that believes the first "not there": no look at the object proves it. */
function* withoutProof(operation: Operation<unknown>): Operation<unknown> {
  let step = operation.next()
  while (step.done !== true) {
    const effect: Effect = step.value
    const isLook = effect.call === 'lstat' && /\/[0-9a-f]{60}$/.test(String(effect.values[0]))
    if (isLook) {
      const absent = systemError(new Failure('ENOENT'), 'lstat', String(effect.values[0]))
      step = operation.throw(absent)
      continue
    }
    let answer: unknown
    try {
      answer = yield effect
    } catch (error) {
      step = operation.throw(error)
      continue
    }
    step = operation.next(answer)
  }
  return step.value
}

for (const place of PLACES) {
  await t.test(`every order of two operations on one key is explained: ${place}`, async (t) => {
    let interleavings = 0
    for (const initial of [new Map([[KEY, small('I')]]), new Map()]) {
      for (const [one, other] of pairs()) {
        const report = explore(scenario([[one], [other]], { place, initial }))
        const start = initial.size > 0 ? 'present' : 'absent'
        t.equal(report.violation, undefined, `${one.kind} and ${other.kind}, ${start}`)
        interleavings += report.interleavings
      }
    }
    t.ok(interleavings > 1000)
    t.comment(`${interleavings} orders of steps on ${place}`)
  })
}

await t.test('a read without the proof of absence is caught', async (t) => {
  const programs: readonly (readonly Verb[])[] = [
    [{ kind: 'read', key: KEY }],
    [{ kind: 'write', key: KEY, value: small('A') }],
  ]
  const report = explore(scenario(programs, { mutate: withoutProof }))
  t.match(report.violation, /no order of what happened explains/)
})
