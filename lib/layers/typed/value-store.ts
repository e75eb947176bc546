import type { ClearOptions, WalkOptions } from '../../bulk.js'
import type { ObjectInfo } from '../../object-info.js'
import type {
  CallOptions,
  ChangeOptions,
  ListOptions,
  RemoveOptions,
  Supports,
  WriteOptions,
} from '../../object-store.js'

/** A value with what is known of the object it is in. */
export interface TypedObject<T> {
  /** What is known of the object that it lies in. */
  readonly info: ObjectInfo
  /** The value, decoded. */
  readonly value: T
}

/** A value that was encoded, and is to be written. */
export interface PreparedWrite<T> {
  /** The value as it will be read. */
  readonly value: T
  /** Writes it; may be called again. */
  write(options: WriteOptions): Promise<ObjectInfo>
}

/**
 * What `ObjectStore` is for bytes, for values: the interface that `TypedStore` puts its verbs on.
 * Members that have the same name have the same contract. What cannot be decoded is `DECODE`.
 */
export interface ValueStore<T, Input> {
  readonly supports: Supports
  read(key: string, options: CallOptions): Promise<TypedObject<T> | undefined>
  stat(key: string, options: CallOptions): Promise<ObjectInfo | undefined>
  /** @throws StoreError `INVALID_VALUE` for what the schema does not allow */
  write(key: string, value: Input, options: WriteOptions): Promise<ObjectInfo>
  /** The first half of a write, for layers that must know what will be read. */
  prepare(key: string, value: Input, options: WriteOptions): Promise<PreparedWrite<T>>
  remove(key: string, options: RemoveOptions): Promise<boolean>
  /** What cannot be decoded is put back. */
  take(key: string, options: ChangeOptions): Promise<TypedObject<T> | undefined>
  list(options: ListOptions): AsyncIterable<ObjectInfo>
  count(options: WalkOptions): Promise<number>
  clear(options: ClearOptions): Promise<number>
  close(): Promise<void>
}
