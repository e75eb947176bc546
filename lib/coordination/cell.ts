import { randomInt } from 'node:crypto'
import { textBytes } from '../body.js'
import { StoreError } from '../errors.js'
import type { CallOptions, ChangeOptions } from '../object-store.js'
import { checkNumber, checkOptionNames } from '../options.js'
import { backOffMs } from '../protocol/back-off.js'
import type { Generation } from '../protocol/cell.js'
import { sleep } from './ending.js'
import type { Register } from './register.js'

/** The largest value of a cell, in bytes: 64 KiB. */
export const MAX_CELL_BYTES = 64 * 1024

/** How often a cell is looked at by `watch`, unless it is told. */
const WATCH_MS = 1000
const MAX_WATCH_MS = 2 ** 31 - 1
const CHANCES = 2 ** 32

/** What a cell can hold: bytes, or text as UTF-8, up to 64 KiB. */
export type CellValue = string | Uint8Array

/** What a cell holds. */
export interface CellState {
  /** Undefined where it was never written, or was removed. */
  readonly value: Buffer | undefined
  /** Rises with each change, removals included; 0: it was never written. */
  readonly generation: number
}

/** Options of `watch`. */
export interface WatchOptions extends CallOptions {
  /** How long it waits between two looks, in milliseconds; default 1000. */
  readonly intervalMs?: number | undefined
}

/**
 * A small value that processes on any number of hosts compare and set. It is linearizable: each
 * change is made on exactly what was there, none is lost, and whoever reads after it sees it.
 *
 * Errors: those of any verb; `UNAVAILABLE` also where it is not known whether a change was made,
 * since this process was held up while others made eight more, over more than a second.
 */
export class Cell {
  readonly #register: Register

  /** @internal Made by `store.cell`. */
  constructor(register: Register) {
    this.#register = register
  }

  /** The name it was asked for by. */
  get name(): string {
    return this.#register.name
  }

  /** What it holds. Costs one listing of a small directory, and a read if it has changed. */
  async read(options: CallOptions = {}): Promise<CellState> {
    checkOptionNames(options, ['signal'])
    return stateOf(await this.#register.read(options))
  }

  /**
   * Replaces the value if the cell is still at a generation; undefined removes it.
   *
   * @param generation - as `read` gave it; 0: only if it was never written
   * @returns the new generation; undefined when somebody else was faster
   * @throws RangeError for a value of more than 64 KiB
   */
  async compareAndSet(
    generation: number,
    next: CellValue | undefined,
    options: ChangeOptions = {},
  ): Promise<number | undefined> {
    checkOptionNames(options, CHANGE_OPTIONS)
    checkGeneration(generation)
    const bytes = bytesOf(next)
    const seen = await this.#register.read({ signal: options.signal })
    if (seen.number !== generation) return undefined
    return (await this.#register.compareAndSet(seen, bytes, options))?.number
  }

  /**
   * Changes the value by a function of what is there, which is called again if somebody else was
   * faster; so it should have no other effects. Undefined removes the value, and what it was
   * given, given back unchanged, leaves it as it is.
   */
  async update(
    change: (current: Buffer | undefined) => CellValue | undefined | Promise<CellValue | undefined>,
    options: ChangeOptions = {},
  ): Promise<CellState> {
    checkOptionNames(options, CHANGE_OPTIONS)
    if (typeof change !== 'function') throw new TypeError('update takes a function')
    const { signal } = options
    for (let attempt = 0; ; attempt += 1) {
      const seen = await this.#register.read({ signal })
      const state = stateOf(seen)
      const next = await change(state.value)
      if (next === state.value && isUnchanged(seen, state)) return state
      const made = await this.#register.compareAndSet(seen, bytesOf(next), options)
      if (made !== undefined) return stateOf(made)
      await sleep(backOffMs(attempt, randomInt(CHANCES) / CHANCES), signal)
    }
  }

  /**
   * What the cell holds, and then each change, at most once: of several between two looks only
   * the last. It ends when its signal aborts.
   */
  async *watch(options: WatchOptions = {}): AsyncGenerator<CellState, void, undefined> {
    checkOptionNames(options, ['signal', 'intervalMs'])
    const { signal, intervalMs = WATCH_MS } = options
    checkNumber('intervalMs', intervalMs, 1, MAX_WATCH_MS)
    let last: number | undefined
    try {
      while (signal?.aborted !== true) {
        const state = stateOf(await this.#register.read({ signal }))
        if (state.generation !== last) yield state
        last = state.generation
        await sleep(intervalMs, signal)
      }
    } catch (error) {
      const isEnd = error instanceof StoreError && error.code === 'ABORTED'
      if (!isEnd) throw error
    }
  }
}

const CHANGE_OPTIONS = ['signal', 'durability']

function stateOf({ number, value }: Generation): CellState {
  // A copy: what the caller does to it must not be what others read.
  return { value: value === undefined ? undefined : Buffer.from(value), generation: number }
}

/** What was given to the caller may have been changed in place. */
function isUnchanged({ value }: Generation, given: CellState): boolean {
  return value === undefined || given.value === undefined || value.equals(given.value)
}

function bytesOf(value: CellValue | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new TypeError('the value of a cell must be a string, a Uint8Array or undefined')
  }
  const bytes = typeof value === 'string' ? textBytes(value) : Uint8Array.from(value)
  if (bytes.length <= MAX_CELL_BYTES) return bytes
  const message = `a cell holds at most ${MAX_CELL_BYTES} bytes, not ${bytes.length}`
  throw new RangeError(`${message}; put the value into an object, and its key into the cell`)
}

function checkGeneration(generation: unknown): void {
  if (typeof generation !== 'number') throw new TypeError('a generation must be a number')
  if (Number.isSafeInteger(generation) && generation >= 0) return
  throw new RangeError(`a generation is a whole number from 0, not ${generation}`)
}
