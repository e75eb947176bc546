import { RESTLESS } from '../simulation/judgement.js'
import { initialState, linearize, type Action } from '../simulation/linearizability.js'
import type { HostReport, Recorded } from './nfs-plan.js'

/** What a row of the matrix came to. */
export interface Verdict {
  /** Calls that were answered. */
  readonly calls: number
  /** Keys, each with a history of its own. */
  readonly keys: number
  /** Keys of which a host saw what had been before, or missed what was there. */
  readonly stale: readonly string[]
  /** What must never be: torn values, two winners, errors. */
  readonly broken: readonly string[]
  /** Calls that failed since what they saw contradicted itself each time they looked. */
  readonly givenUp: readonly string[]
}

/** Judges all that the hosts of a row report. */
export function judge(reports: readonly HostReport[]): Verdict {
  const calls = reports.flatMap((report) => report.calls)
  const faults = reports.flatMap((report) => report.faults)
  const givenUp = faults.filter(isRestless)
  const broken = faults.filter((fault) => !isRestless(fault))
  const stale: string[] = []
  const keys = new Set(calls.map(({ key }) => key))
  for (const key of keys) {
    const ofKey = calls.filter((call) => call.key === key)
    if (isExplained(ofKey)) continue
    const fault = describeFault(ofKey)
    if (fault === undefined) stale.push(`${key}: ${tell(ofKey)}`)
    else broken.push(`${key}: ${fault}: ${tell(ofKey)}`)
  }
  return { calls: calls.length, keys: keys.size, stale, broken, givenUp }
}

const isRestless = (fault: string): boolean => RESTLESS.test(fault)

/** Whether all of it can have happened one after the other. */
function isExplained(calls: readonly Recorded[]): boolean {
  return linearize(initialState(), calls satisfies readonly Action[]) !== undefined
}

/**
 * What is wrong with a history beyond that somebody saw it too late. Changes that were done are
 * never late: they must be explained by themselves, so that each add and take has one winner.
 */
function describeFault(calls: readonly Recorded[]): string | undefined {
  const writes = calls.filter(({ kind, result }) => kind === 'write' || result === true)
  for (const { result, returned } of calls) {
    if (typeof result !== 'string') continue
    const source = writes.find(({ value }) => value === result)
    if (source === undefined) return `nobody wrote ${result}`
    if (source.called > returned) return `${result} was read before it was written`
  }
  const done = calls.filter(({ kind, result }) => {
    if (kind === 'take') return result !== undefined
    return kind === 'write' || ((kind === 'add' || kind === 'remove') && result === true)
  })
  return isExplained(done) ? undefined : 'two winners'
}

/** A history, in the order of its calls. */
function tell(calls: readonly Recorded[]): string {
  const first = Math.min(...calls.map(({ called }) => called))
  return calls
    .toSorted((one, other) => one.called - other.called)
    .map(({ host, kind, value, result, called, returned }) => {
      const times = `${(called - first).toFixed(1)}-${(returned - first).toFixed(1)}`
      return `${times} ${host} ${kind}${value === undefined ? '' : ` ${value}`}=${String(result)}`
    })
    .join('; ')
}
