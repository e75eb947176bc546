/**
 * linkstore: a lock-free key-value and object store in a directory, shared by any number of
 * processes on any number of hosts.
 *
 * @packageDocumentation
 */
export { open } from './lib/open.js'
export { openSync, SyncStore } from './lib/sync-store.js'
export { SyncStoredObject } from './lib/sync-object.js'
export type {
  SyncBody,
  SyncChangeOptions,
  SyncRemoveOptions,
  SyncListOptions,
  SyncOpenOptions,
  SyncSetOptions,
  SyncSweepOptions,
  SyncVerifyOptions,
  SyncWriteOptions,
} from './lib/sync-store.js'
export { Store } from './lib/store.js'
export type { ReadStreamOptions, SetOptions } from './lib/store.js'
export { directoryStore, DirectoryStore } from './lib/backends/directory.js'
export type { CacheOptions, OpenOptions } from './lib/backends/opening.js'
export { Cell, MAX_CELL_BYTES } from './lib/coordination/cell.js'
export type { CellState, CellValue, WatchOptions } from './lib/coordination/cell.js'
export { Lease } from './lib/coordination/lease.js'
export type { LeaseOptions } from './lib/coordination/lease.js'
export type { LockOptions } from './lib/coordination/leases.js'
export type { Create, CreateOptions } from './lib/coordination/single-flight.js'
export type { Coordinator } from './lib/coordination/coordination.js'
export type { Register, RegisterStore } from './lib/coordination/register.js'
export type { CellSpace } from './lib/protocol/cell-spaces.js'
export type { Generation } from './lib/protocol/cell.js'
export { Queue } from './lib/coordination/queue.js'
export type {
  ConsumeOptions,
  DeadLetter,
  PushOptions,
  QueueBackend,
  QueueOptions,
  QueueStore,
  RetryOptions,
  HeldJob,
  JobSource,
  PushRequest,
} from './lib/coordination/queue.js'
export { Job } from './lib/coordination/job.js'
export type { Visibility } from './lib/coordination/visibility.js'
export type { QueueCounts } from './lib/protocol/queue-count.js'
export type { DeleteManyOptions, ManyOptions, SetManyOptions } from './lib/many/async.js'
export { bulkOf } from './lib/bulk.js'
export type {
  Bulk,
  ClearOptions,
  Progress,
  SweepLimits,
  SweepOptions,
  VerifyOptions,
  VerifyReport,
  WalkOptions,
} from './lib/bulk.js'
export type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RangeOptions,
  RemoveOptions,
  StoredObject,
  Supports,
  WriteOptions,
} from './lib/object-store.js'
export type { ObjectInfo } from './lib/object-info.js'
export type { Durability } from './lib/protocol/context.js'
export type { SweepReport, Tally } from './lib/protocol/sweep-sum.js'
export type { Finding } from './lib/protocol/verify.js'
export type { Format } from './lib/format/marker.js'
export type { Health, HealthOptions } from './lib/health.js'
export type { Notice, Retries } from './lib/diagnostics.js'
export { OPERATION_NAMES } from './lib/tracing/operations.js'
export type { OperationMessage, OperationName, Outcome } from './lib/tracing/operations.js'
export { hashKey } from './lib/key.js'
export { ERROR_CODES, StoreError } from './lib/errors.js'
export type { ErrorCode, ErrorDetails } from './lib/errors.js'
