import { StoreError } from '../errors.js'
import type { CallOptions, ChangeOptions } from '../object-store.js'
import type { Generation } from '../protocol/cell.js'
import type { CellSpace } from '../protocol/cell-spaces.js'
import type { Visibility } from './visibility.js'

/** A place that is compared and set: what cells, leases and single flight are built on. */
export interface Register {
  /** What it was asked for by. */
  readonly name: string
  /** What leases may rely on here. */
  readonly visibility: Visibility
  /** What it holds. The value is not to be changed. */
  read(options: CallOptions): Promise<Generation>
  /** Replaces what was read; undefined when somebody else was faster. */
  compareAndSet(
    seen: Generation,
    value: Uint8Array | undefined,
    options: ChangeOptions,
  ): Promise<Generation | undefined>
}

/** A backend that has registers. */
export interface RegisterStore {
  /**
   * The register with a name. It need not exist; nothing is asked of the file system yet.
   *
   * @throws StoreError `NOT_SUPPORTED` where the format has none
   */
  register(space: CellSpace, name: string): Register
}

/** The error of a store without them. */
export function noCells(reason: string): StoreError {
  return new StoreError('NOT_SUPPORTED', `${reason}: neither cells nor leases`)
}
