import type { Register } from '../coordination/register.js'
import type { Visibility } from '../coordination/visibility.js'
import type { Operation } from '../drivers/effects.js'
import type { CallOptions, ChangeOptions } from '../object-store.js'
import { readCell, type CellPath, type Generation } from '../protocol/cell.js'
import { compareAndSet } from '../protocol/compare-and-set.js'
import type { Context } from '../protocol/context.js'
import { durabilityOf } from './requests.js'

/** Runs an operation for a store, which names its errors. */
type RunFor = <T>(verb: 'read' | 'set', operation: Operation<T>, options: CallOptions) => Promise<T>

/** A cell of a directory. */
export class DirectoryRegister implements Register {
  readonly #context: Context
  readonly #cell: CellPath
  readonly #run: RunFor
  /** A generation never changes, so the last one need not be read twice. */
  #known: Generation | undefined

  constructor(context: Context, cell: CellPath, run: RunFor) {
    this.#context = context
    this.#cell = cell
    this.#run = run
  }

  get name(): string {
    return this.#cell.key ?? ''
  }

  get visibility(): Visibility {
    return this.#context
  }

  async read(options: CallOptions): Promise<Generation> {
    const reading = readCell(this.#context, this.#cell, this.#known)
    this.#known = await this.#run('read', reading, { signal: options.signal })
    return this.#known
  }

  async compareAndSet(
    seen: Generation,
    value: Uint8Array | undefined,
    options: ChangeOptions,
  ): Promise<Generation | undefined> {
    const how = { durability: durabilityOf(this.#context, options) }
    const setting = compareAndSet(this.#context, this.#cell, seen, value, how)
    const made = await this.#run('set', setting, { signal: options.signal })
    this.#known = made ?? this.#known
    return made
  }
}
