/**
 * Activity: processes that report what they do with a store, and the looking at them. Nothing of
 * the rest of the package loads this.
 *
 * @packageDocumentation
 */
export { reportActivity } from './reporter.js'
export type { ActivityReporting, ReportOptions } from './reporter.js'
export { ActivityObserver, observeActivity } from './observer.js'
export type { ActivitySeen, OpenedStoreSeen, ScanOptions } from './observer.js'
export type { ActivityReport, OperationFigures } from './report.js'
export type { Census, QueueCensus } from '../protocol/census.js'
