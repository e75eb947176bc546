import type { Facts } from '../results.js'

/** What facts are to be: one value, or one of several; a fact that is not named may be any. */
export type FactsWanted = { readonly [Name in keyof Facts]?: Facts[Name] | readonly Facts[Name][] }

/** In the order in which they are told. */
export const FACT_NAMES = [
  'operation',
  'valueBytes',
  'inFlight',
  'objects',
  'processes',
  'promised',
  'fileSystem',
] as const satisfies readonly (keyof Facts)[]

export function fits(facts: Facts, wanted: FactsWanted): boolean {
  return FACT_NAMES.every((name) => {
    const value = wanted[name]
    if (value === undefined) return true
    return Array.isArray(value) ? value.includes(facts[name]) : value === facts[name]
  })
}

/** Whether both have the same facts, but for some. */
export function areAlike(one: Facts, other: Facts, except: readonly (keyof Facts)[] = []): boolean {
  return FACT_NAMES.every((name) => except.includes(name) || one[name] === other[name])
}

/** Those facts in which some differ. */
export function varyingFacts(all: readonly Facts[]): (keyof Facts)[] {
  return FACT_NAMES.filter((name) => new Set(all.map((facts) => facts[name])).size > 1)
}

/** A fact in words; empty where it does not matter. */
export function factInWords(facts: Facts, name: keyof Facts): string {
  const { [name]: value } = facts
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  if (name === 'valueBytes') return bytesInWords(value)
  if (name === 'inFlight') return value === 1 ? 'one at a time' : `${value} in flight`
  if (name === 'objects') return `${value.toLocaleString('en-US')} objects`
  return value === 1 ? '1 process' : `${value} processes`
}

/** Facts in words, those that have any. */
export function factsInWords(facts: Facts, names: readonly (keyof Facts)[]): string {
  return names
    .map((name) => factInWords(facts, name))
    .filter((words) => words !== '')
    .join(', ')
}

function bytesInWords(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`
  }
  return `${bytes} bytes`
}
