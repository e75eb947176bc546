import type { Test } from 'tap'
import { explore } from './exploration.js'
import type { Exception } from './judgement.js'
import { KEY, scenario, type Scenario } from './scenario.js'
import { small, type Value, type Verb } from './verbs.js'

/** Whether to take the time for all that can be explored, some ten minutes. */
export const IS_DEEP = process.env['LINKSTORE_SIMULATION'] === 'deep'

export const OTHER_KEY = 'b'
export const PRESENT: ReadonlyMap<string, Value> = new Map([[KEY, small('I')]])
export const ABSENT: ReadonlyMap<string, Value> = new Map()
/** An object that was expired before all began. */
export const EXPIRED: ReadonlyMap<string, Value> = new Map([[KEY, small('I', 90)]])

/** What {@link survey} found. */
export interface Survey {
  readonly scenarios: number
  readonly interleavings: number
  readonly states: number
  readonly powerCuts: number
  readonly exceptions: ReadonlyMap<Exception, number>
}

/** Explores scenarios, of which none may go wrong, and says how much that was. */
export function survey(
  t: Test,
  scenarios: Iterable<Scenario>,
  allowed: readonly Exception[] = [],
): Survey {
  const exceptions = new Map<Exception, number>()
  const sum = { scenarios: 0, interleavings: 0, states: 0, powerCuts: 0 }
  for (const each of scenarios) {
    const report = explore(each)
    const { interleavings, states, powerCuts, violation } = report
    if (violation !== undefined) t.fail(`${title(each)}: ${violation}`)
    sum.scenarios += 1
    sum.interleavings += interleavings
    sum.states += states
    sum.powerCuts += powerCuts
    for (const [name, count] of report.exceptions) {
      exceptions.set(name, (exceptions.get(name) ?? 0) + count)
      if (!allowed.includes(name)) t.fail(`${title(each)}: ${name}\n${report.examples.get(name)}`)
    }
  }
  t.comment(tellSum(sum, exceptions))
  t.ok(sum.scenarios > 0 && sum.states > sum.scenarios, 'there was something to explore')
  return { ...sum, exceptions }
}

/** The verbs on one key that have different protocols; a process writes a value of its own. */
export function verbsOf(value: string): Verb[] {
  return [
    { kind: 'write', key: KEY, value: small(value) },
    { kind: 'add', key: KEY, value: small(value) },
    { kind: 'read', key: KEY },
    { kind: 'take', key: KEY },
    { kind: 'remove', key: KEY },
  ]
}

/** The same, and those that only look, or combine others. */
export function allVerbsOf(value: string): Verb[] {
  return [
    ...verbsOf(value),
    { kind: 'stat', key: KEY },
    { kind: 'list' },
    { kind: 'clear' },
    { kind: 'copy', key: KEY, to: OTHER_KEY },
    { kind: 'copy', key: OTHER_KEY, to: KEY },
    { kind: 'rename', key: KEY, to: OTHER_KEY },
    { kind: 'rename', key: OTHER_KEY, to: KEY },
  ]
}

/** Scenarios of one verb in each of two processes: each pair once, from each start. */
export function* pairs(
  verbs: (value: string) => readonly Verb[],
  changes: Parameters<typeof scenario>[1] = {},
  starts: readonly ReadonlyMap<string, Value>[] = [PRESENT, ABSENT],
): Generator<Scenario> {
  const others = verbs('B')
  for (const initial of starts) {
    for (const [index, one] of verbs('A').entries()) {
      for (const other of others.slice(index)) {
        yield scenario([[one], [other]], { initial, ...changes })
      }
    }
  }
}

/** The same for three processes. */
export function* triples(
  verbs: (value: string) => readonly Verb[],
  changes: Parameters<typeof scenario>[1] = {},
  starts: readonly ReadonlyMap<string, Value>[] = [PRESENT, ABSENT],
): Generator<Scenario> {
  const thirds = verbs('C')
  for (const pair of pairs(verbs, changes, starts)) {
    const last = pair.cast[1]?.programs[0]?.[0]
    const from = verbs('B').findIndex(({ kind }) => kind === last?.kind)
    const [one, other] = pair.cast.map(({ programs }) => programs[0] ?? [])
    for (const third of thirds.slice(from)) {
      yield scenario([one ?? [], other ?? [], [third]], { initial: pair.initial, ...changes })
    }
  }
}

function title({ place, cast, initial }: Scenario): string {
  const verbs = cast.flatMap(({ programs }) => programs.flat().map(({ kind }) => kind))
  return `${verbs.join(' and ')}, ${initial.size > 0 ? 'present' : 'absent'}, ${place}`
}

function tellSum(
  { scenarios, interleavings, states, powerCuts }: Omit<Survey, 'exceptions'>,
  exceptions: ReadonlyMap<Exception, number>,
): string {
  const orders = interleavings.toLocaleString('en')
  const cuts = powerCuts > 0 ? `, ${powerCuts.toLocaleString('en')} power cuts` : ''
  const special = [...exceptions].map(([name, count]) => `, ${count} ends ${name}`).join('')
  const text = `${scenarios} scenarios: ${orders} interleavings`
  return `${text} through ${states.toLocaleString('en')} states${cuts}${special}`
}
