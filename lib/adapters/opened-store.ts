import { open, Store, StoreError, type OpenOptions } from '../../index.js'

/** What an adapter works on: a store, which stays its owner's to close, or the directory of one. */
export type StoreGiven = Store | string

/** What adapters are made with; the rest is how a directory is opened where a path is given. */
export interface AdapterOptions extends OpenOptions {
  /** A store, or the path of its directory. */
  readonly store: StoreGiven
}

/** The store of an adapter. Where a directory was given it is opened when it is first needed. */
export class OpenedStore {
  readonly #given: StoreGiven
  readonly #options: OpenOptions
  #opening: Promise<Store> | undefined
  #isClosed = false

  /**
   * @param options - how a directory is opened
   * @throws TypeError for what is neither a store nor a path
   */
  constructor(given: StoreGiven, options: OpenOptions = {}) {
    if (!(given instanceof Store) && typeof given !== 'string') {
      throw new TypeError('an adapter needs a store that open() gave, or the path of a directory')
    }
    this.#given = given
    this.#options = options
  }

  /** The store. Where it cannot be opened the next call tries again. */
  async get(): Promise<Store> {
    if (this.#isClosed) {
      throw new StoreError('CLOSED', 'the adapter was closed; make a new one to go on')
    }
    if (typeof this.#given !== 'string') return this.#given
    this.#opening ??= open(this.#given, this.#options)
    try {
      return await this.#opening
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** Closes the store if it was opened here. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const store = await this.#opening?.catch(() => undefined)
    await store?.close()
  }
}
