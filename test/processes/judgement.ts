/**
 * Judges what the processes of the test of mixed operations say they did, against what is there
 * afterwards. Each function returns what is wrong, in words.
 *
 * An operation that was under way when its process was killed may or may not have been done;
 * nothing else is forgiven.
 */
import type { Entry } from './journal.js'
import { ownKeys, RACE_KEYS, STEADY_KEYS, TOKEN_KEYS } from './mixed-keys.js'

/** What is there afterwards: stamps by key, null for an absent one. */
export type Final = ReadonlyMap<string, string | null>

/** Values must be whole and what somebody wrote to that key; keys that stay must be there. */
export function judgeReads(entries: readonly Entry[]): string[] {
  const complaints: string[] = []
  for (const entry of entries) {
    const { verb, key, result } = entry
    if (result === 'torn') complaints.push(`torn: ${told(entry)}`)
    if (key.startsWith('steady') && (result === null || result === false)) {
      complaints.push(`false miss: ${told(entry)}`)
    }
    if (verb === 'keys' && entry.endedUs !== undefined) {
      const keys = result as string[]
      if (new Set(keys).size < keys.length) complaints.push(`listed twice: ${told(entry)}`)
      for (const steady of STEADY_KEYS) {
        if (!keys.includes(steady)) complaints.push(`not listed: ${steady} in ${told(entry)}`)
      }
    }
  }
  return complaints
}

/** Reads of keys that all write: never a value that was surely replaced before the read. */
export function judgeSteady(entries: readonly Entry[], first: Final, final: Final): string[] {
  const complaints: string[] = []
  const endUs = Number.MAX_SAFE_INTEGER
  for (const key of STEADY_KEYS) {
    const ofKey = entries.filter((entry) => entry.key === key)
    const writes = new Map(
      ofKey.filter(({ verb }) => verb === 'set').map((entry) => [entry.detail, entry]),
    )
    const lasts = [...writes.values()].filter(({ endedUs }) => endedUs !== undefined)
    const judge = (stamp: unknown, beganUs: number, endedUs: number, what: string): void => {
      const write = writes.get(stamp as string)
      const isFirst = stamp === first.get(key)
      if (write === undefined && !isFirst) complaints.push(`never written: ${what}`)
      else if (write !== undefined && write.beganUs > endedUs) complaints.push(`early: ${what}`)
      const writtenUs = isFirst ? 0 : (write?.endedUs ?? endUs)
      const newer = lasts.find((other) => other.beganUs > writtenUs && other.endedUs! < beganUs)
      if (newer !== undefined) complaints.push(`stale: ${what} after ${told(newer)}`)
    }
    for (const entry of ofKey) {
      if (entry.verb !== 'get' || entry.endedUs === undefined) continue
      judge(entry.result, entry.beganUs, entry.endedUs, told(entry))
    }
    judge(final.get(key), endUs, endUs, `${key} at the end`)
  }
  return complaints
}

/** What others read of a key that one process only ever writes: never missed, never backwards. */
export function judgeLogs(entries: readonly Entry[]): string[] {
  const complaints: string[] = []
  const newest = new Map<string, number>()
  for (const entry of entries) {
    const { slot, verb, key, result } = entry
    if (verb !== 'get' || !key.endsWith('log') || entry.endedUs === undefined) continue
    const seen = newest.get(`${slot} ${key}`) ?? -1
    const count = result === null ? -1 : Number((result as string).split('.')[1])
    if (count < seen) complaints.push(`backwards: ${told(entry)} after ${seen}`)
    newest.set(`${slot} ${key}`, count)
  }
  return complaints
}

/**
 * The keys that one process alone changes: its operations, replayed one by one, explain exactly
 * what it read and what is there at the end.
 */
export function judgeOwn(slot: number, entries: readonly Entry[], final: Final): string[] {
  const complaints: string[] = []
  const keys = ownKeys(slot)
  const possible = new Map(keys.map((key) => [key, new Set<string | null>([null])]))
  for (const entry of entries) {
    if (entry.slot !== slot || !possible.has(entry.key)) continue
    if (entry.verb === 'get' && entry.endedUs === undefined) continue
    if (!replay(entry, possible)) complaints.push(`impossible: ${told(entry)}`)
  }
  for (const key of keys) {
    if (!possible.get(key)!.has(final.get(key) ?? null)) {
      complaints.push(`${key} is ${String(final.get(key))}, not ${[...possible.get(key)!].join()}`)
    }
  }
  return complaints
}

type Possible = ReadonlyMap<string, Set<string | null>>

/** Narrows or widens what may be there; says whether the result of the operation fits it. */
function replay(entry: Entry, possible: Possible): boolean {
  const { verb, key, result, detail = '' } = entry
  const before = possible.get(key)!
  const present = new Set([...before].filter((stamp) => stamp !== null))
  const isDone = entry.endedUs !== undefined
  const become = (name: string, stamps: Iterable<string | null>): void => {
    const old = isDone ? [] : possible.get(name)!
    ;(possible as Map<string, Set<string | null>>).set(name, new Set([...old, ...stamps]))
  }
  switch (verb) {
    case 'set':
      become(key, [detail])
      return true
    case 'get':
      become(key, [result as string | null])
      return before.has(result as string | null)
    case 'take':
      become(key, [null])
      return !isDone || before.has(result as string | null)
    case 'add':
      become(key, result === false ? present : [detail])
      return !isDone || (result === true ? before.has(null) : present.size > 0)
    case 'delete':
      become(key, [null])
      break
    case 'copy':
      if (result !== false) become(detail, present)
      if (isDone) become(key, result === true ? present : [null])
      break
    case 'rename':
      if (result !== false) become(detail, present)
      become(key, [null])
      break
  }
  return !isDone || (result === true ? present.size > 0 : before.has(null))
}

/**
 * Tokens: each one that was added is taken once or still there. One may be missing for each take
 * that was under way at a kill.
 */
export function judgeTokens(entries: readonly Entry[], final: Final): string[] {
  const complaints: string[] = []
  for (const key of TOKEN_KEYS) {
    const ofKey = entries.filter((entry) => entry.key === key)
    const adds = ofKey.filter(({ verb }) => verb === 'add')
    const takes = ofKey.filter(({ verb }) => verb === 'take')
    const taken = takes.map(({ result }) => result).filter((stamp) => typeof stamp === 'string')
    const found = [...taken, final.get(key)].filter((stamp) => stamp !== null)
    if (new Set(found).size < found.length) complaints.push(`${key}: had twice`)
    const begun = new Set(adds.filter(({ result }) => result !== false).map((add) => add.detail))
    for (const stamp of found) {
      if (!begun.has(stamp)) complaints.push(`${key}: ${String(stamp)} was never added`)
    }
    const missing = adds.filter(({ detail, result }) => result === true && !found.includes(detail))
    const doubtful = takes.filter(({ endedUs }) => endedUs === undefined)
    if (missing.length > doubtful.length) {
      complaints.push(`${key}: lost ${missing.map(told).join()}; ${doubtful.length} in doubt`)
    }
  }
  return complaints
}

/** Keys that all add and nobody takes: one winner, whose value it is. */
export function judgeRaces(entries: readonly Entry[], final: Final): string[] {
  const complaints: string[] = []
  for (const key of RACE_KEYS) {
    const adds = entries.filter((entry) => entry.key === key)
    const winners = adds.filter(({ result }) => result === true)
    const doubtful = adds.filter(({ endedUs }) => endedUs === undefined)
    const candidates = (winners.length > 0 ? winners : doubtful).map(({ detail }) => detail)
    if (winners.length > 1) complaints.push(`${key}: won by ${winners.map(told).join()}`)
    if (adds.length > 0 && !candidates.includes(final.get(key) ?? undefined)) {
      complaints.push(`${key} is ${String(final.get(key))}, not ${candidates.join()}`)
    }
  }
  return complaints
}

function told({ slot, index, verb, key, detail = '', result }: Entry): string {
  return `${slot}.${index} ${verb} ${key} ${detail} -> ${JSON.stringify(result)}`
}
