import { hashKey } from '../../key.js'

/** What objects can be looked up by. */
export type IndexValue = string | number | bigint | boolean

/** What an index says of a value: one, several, or none. */
export type IndexValues = IndexValue | Iterable<IndexValue> | null | undefined

/**
 * The indexes of a store, by name: what each value is to be found under. The same value must
 * always give the same; a change of a function asks for `verify`. It is given what a reader gets.
 */
export type Indexes<T> = Readonly<Record<string, (value: T) => IndexValues>>

/** One value of one index. */
export interface IndexPlace {
  readonly index: string
  /** The value as text, with its type: 1 and '1' are two. */
  readonly text: string
  /** The key of its posting. */
  readonly key: string
}

/** Places by the keys of their postings. */
export type IndexPlaces = ReadonlyMap<string, IndexPlace>

/** A value of an index, as text, where a user has given it. */
export function placeOf(index: string, value: IndexValue): IndexPlace {
  return placeOfText(index, textOf(index, value))
}

/** The same, by its text. */
export function placeOfText(index: string, text: string): IndexPlace {
  return { index, text, key: prefixOf(index) + hashKey(text) }
}

/** What the keys of all postings of an index begin with. */
export function prefixOf(index: string): string {
  return `${encodeURIComponent(index)}/`
}

/** Where an index has a value. */
export function placesIn<T>(index: string, valuesOf: Indexes<T>[string], value: T): IndexPlaces {
  const given = valuesOf(value) ?? []
  const isMany = typeof given === 'object'
  const values: Iterable<IndexValue> = isMany ? given : [given]
  const places = [...values].map((one) => placeOf(index, one))
  return new Map(places.map((place) => [place.key, place]))
}

/** Where all indexes have a value. */
export function placesOf<T>(indexes: Indexes<T>, value: T): IndexPlaces {
  const all = Object.entries(indexes).flatMap(([index, valuesOf]) => [
    ...placesIn(index, valuesOf, value),
  ])
  return new Map(all)
}

/** Refuses what are no indexes. */
export function checkIndexes(indexes: unknown): void {
  const isObject = typeof indexes === 'object' && indexes !== null
  const entries = isObject ? Object.entries(indexes) : []
  for (const [name, valuesOf] of entries) {
    if (name === '' || !name.isWellFormed()) throw new TypeError('an index must have a name')
    if (typeof valuesOf === 'function') continue
    throw new TypeError(`the index ${name} must be a function of a value`)
  }
  if (entries.length === 0) throw new TypeError('indexes must be an object of functions, by name')
}

function textOf(index: string, value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `string:${JSON.stringify(value)}`
    case 'number':
      if (!Number.isNaN(value)) return `number:${value}`
      break
    case 'bigint':
    case 'boolean':
      return `${typeof value}:${String(value)}`
  }
  const what = Number.isNaN(value) ? 'NaN' : value === null ? 'null' : typeof value
  const kinds = 'strings, numbers, bigints and booleans'
  throw new TypeError(`the index ${index} was given ${what}; there can be ${kinds}`)
}
