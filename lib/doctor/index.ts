/**
 * Doctor: what a directory can promise as a store. `gather` probes it, `judge` says what the
 * facts mean. Nothing of the rest of the package loads this.
 *
 * @packageDocumentation
 */
export { gather, PROBES } from './gathering.js'
export { judge } from './judgement.js'
export { failedWith, whyNot, type Outcome } from './outcome.js'
export { TIMED_CALLS, type Facts } from './facts.js'
export type { ProbeOptions } from './prober.js'
export type { Check, Grade, KeptPromise, Report, Verdict } from './report.js'
