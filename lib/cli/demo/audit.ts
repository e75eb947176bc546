/**
 * The audit at the end: does the store hold what the journals say it must? It reads with a store
 * of its own, in a process that wrote none of it.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '../../../index.js'
import { HOT_KEYS } from './keys.js'
import type { Contest, Ledger, WrittenKey } from './ledger.js'
import { look, type Look } from './look.js'

/** What the audit found. */
export interface Findings {
  /** Acknowledged writes, adds and puts that were looked at. */
  checked: number
  /** Of these, the ones whose value is not there. */
  lost: number
  /** Values that are not what any one write stored. */
  torn: number
  /** Names and tokens that more than one process was told it had won. */
  doubled: number
  /** Keys that always exist and were not found. */
  falseMisses: number
  /** Each of these in words. */
  readonly problems: string[]
}

const READS_IN_FLIGHT = 32

/** Checks every key the ledger knows. */
export async function audit(
  store: Store,
  ledger: Ledger,
  signal: AbortSignal | undefined,
): Promise<Findings> {
  const findings: Findings = {
    checked: 0,
    lost: 0,
    torn: 0,
    doubled: 0,
    falseMisses: 0,
    problems: [],
  }
  const checks: Check[] = [
    ...HOT_KEYS.map((key): Check => [key, checkHot]),
    ...Array.from(ledger.races, ([key, race]): Check => [key, checkRace(race)]),
    ...Array.from(ledger.writes, ([key, written]): Check => {
      const taking = ledger.takes.get(key)
      return [key, taking === undefined ? checkWritten(written) : checkToken(written, taking)]
    }),
  ]
  for (let index = 0; index < checks.length; index += READS_IN_FLIGHT) {
    signal?.throwIfAborted()
    const some = checks.slice(index, index + READS_IN_FLIGHT)
    await Promise.all(some.map((check) => perform(store, check, findings)))
  }
  await verify(store, findings)
  return findings
}

/** What is left under private names: directories, and files in them. */
export async function countPrivate(
  directory: string,
): Promise<{ readonly directories: number; readonly files: number }> {
  const entries = await readdir(join(directory, '.tmp'), { recursive: true, withFileTypes: true })
  const directories = entries.filter((entry) => entry.isDirectory()).length
  return { directories, files: entries.length - directories }
}

/** Says what is wrong with what was seen under a key; undefined if nothing is. */
type Judge = (seen: Look) => readonly ['lost' | 'doubled' | 'falseMisses', string] | undefined
type Check = readonly [key: string, judge: Judge]

async function perform(store: Store, [key, judge]: Check, findings: Findings): Promise<void> {
  const seen = await look(store, key)
  findings.checked += 1
  if (seen.kind === 'torn') {
    findings.torn += 1
    findings.problems.push(`${key} is torn: ${seen.reason}`)
    return
  }
  const verdict = judge(seen)
  if (verdict === undefined) return
  findings[verdict[0]] += 1
  findings.problems.push(`${key} ${verdict[1]}`)
}

const checkHot: Judge = (seen) =>
  seen.kind === 'absent' ? ['falseMisses', 'always exists and was not found'] : undefined

function checkWritten({ acknowledged, doubtful }: WrittenKey): Judge {
  return (seen) => {
    if (seen.kind !== 'whole') {
      return acknowledged === undefined ? undefined : ['lost', 'was stored and is not there']
    }
    if (seen.sha256 === acknowledged || seen.sha256 === doubtful) return undefined
    return ['lost', 'does not have the value that was stored last']
  }
}

function checkRace({ winners, doubtful }: Contest): Judge {
  return (seen) => {
    if (winners.length > 1) return ['doubled', `was won by ${winners.length} processes`]
    if (winners.length === 0) {
      return doubtful > 0 ? undefined : ['lost', 'was added by nobody, though all were refused']
    }
    if (seen.kind === 'whole' && seen.sha256 === winners[0]) return undefined
    return ['lost', 'does not have the value its winner added']
  }
}

function checkToken(written: WrittenKey, { winners, doubtful }: Contest): Judge {
  return (seen) => {
    if (winners.length > 1) return ['doubled', `was taken by ${winners.length} processes`]
    if (winners.length === 0) {
      const mayBeGone = doubtful > 0 && seen.kind === 'absent'
      return mayBeGone ? undefined : checkWritten(written)(seen)
    }
    if (seen.kind === 'whole') return ['doubled', 'was taken and is still there']
    const isRight = winners[0] === written.acknowledged || winners[0] === written.doubtful
    return isRight ? undefined : ['lost', 'had another value when it was taken']
  }
}

/** The store's own check of every object, among them those nobody has looked at above. */
async function verify(store: Store, findings: Findings): Promise<void> {
  const { findings: wrong } = await store.verify()
  for (const { kind, path, reason } of wrong) {
    if (kind === 'corrupt') findings.torn += 1
    findings.problems.push(`${path}: ${reason}`)
  }
}
