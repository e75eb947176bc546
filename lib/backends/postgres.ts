import type { ClientBase, Pool } from 'pg'
import { bytesOfBody } from '../body.js'
import { checkCall, checkChange, checkListing, checkRemoval, checkWrite } from '../call-options.js'
import { CallsUnderWay } from '../calls-under-way.js'
import { StoreError } from '../errors.js'
import { MemoryObjects } from '../memory-objects.js'
import type { ObjectInfo } from '../object-info.js'
import type {
  Body,
  CallOptions,
  ChangeOptions,
  ListOptions,
  ObjectStore,
  RemoveOptions,
  StoredObject,
  Supports,
  WriteOptions,
} from '../object-store.js'
import { checkBoolean, checkNumber, checkOptionNames } from '../options.js'
import { Connection } from './postgres/connection.js'
import { Table, type FoundObject } from './postgres/table.js'

/** How a store in PostgreSQL is made. */
export interface PostgresOptions {
  /** A `Pool` of `pg`, or a connected `Client`. It is its owner's: closing the store leaves it. */
  readonly client: Pool | ClientBase
  /** The table, as `table` or `schema.table`; default `linkstore`. It is made if there is none. */
  readonly table?: string | undefined
  /**
   * The largest value; default 16 MiB, at most 256 MiB. Values are in memory as a whole, here and
   * on the server.
   */
  readonly maxValueBytes?: number | undefined
  /** Whether closing the store ends the pool or client; default false. */
  readonly ownsClient?: boolean | undefined
}

const POSTGRES_OPTIONS = [
  'client',
  'table',
  'maxValueBytes',
  'ownsClient',
] satisfies (keyof PostgresOptions)[]

const DEFAULT_VALUE_BYTES = 16 * 1024 * 1024
/** The server cannot take a message of more than 1 GiB, and answers in less than that. */
const MOST_VALUE_BYTES = 256 * 1024 * 1024
/** What the index of a table takes. */
const MAX_KEY_BYTES = 2048
const MAX_NAME_BYTES = 63

/**
 * Objects in a table of PostgreSQL, each a row. Every verb but `list` is one statement, and what
 * depends on a version is exact. Expiry and times go by the clock of the server, for all hosts.
 * `durability` is checked and changes nothing: `synchronous_commit` of the server decides.
 */
export class PostgresStore implements ObjectStore {
  /** All there is; keys may be as long as `maxKeyBytes` says. */
  readonly supports: Supports = {
    list: true,
    metadata: true,
    expiry: true,
    versions: true,
    conditions: true,
    maxKeyBytes: MAX_KEY_BYTES,
  }
  readonly #table: Table
  readonly #maxValueBytes: number
  readonly #calls = new CallsUnderWay(MAX_KEY_BYTES)
  readonly #open = new MemoryObjects()
  readonly #onClose: () => Promise<unknown>

  /** @internal Made by {@link postgresStore}. */
  constructor({ client, table = 'linkstore', maxValueBytes, ownsClient }: PostgresOptions) {
    this.#table = new Table(new Connection(client), quoted(table))
    this.#maxValueBytes = maxValueBytes ?? DEFAULT_VALUE_BYTES
    let hasEnded = ownsClient !== true
    this.#onClose = async () => {
      if (hasEnded) return
      hasEnded = true
      await (client as Pool).end()
    }
  }

  read(key: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    return this.#calls.ofKey('read', key, async () => {
      checkCall(options)
      return this.#pin(await this.#table.read(key, options.signal))
    })
  }

  stat(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#calls.ofKey('stat', key, () => {
      checkCall(options)
      return this.#table.stat(key, options.signal)
    })
  }

  /**
   * As {@link ObjectStore.write}.
   *
   * @throws StoreError `TOO_LARGE` as soon as more has come than `maxValueBytes`
   */
  write(key: string, body: Body, options: WriteOptions = {}): Promise<ObjectInfo> {
    return this.#calls.ofKey('write', key, async () => {
      const how = checkWrite(options)
      const value = await this.#gather(bytesOfBody(body, options.signal))
      return await this.#table.write(key, value, how, options.signal)
    })
  }

  remove(key: string, options: RemoveOptions = {}): Promise<boolean> {
    return this.#calls.ofKey('remove', key, () => {
      const ifVersion = checkRemoval(options)
      return this.#table.remove(key, ifVersion, options.signal)
    })
  }

  take(key: string, options: ChangeOptions = {}): Promise<StoredObject | undefined> {
    return this.#calls.ofKey('take', key, async () => {
      checkChange(options)
      return this.#pin(await this.#table.take(key, options.signal))
    })
  }

  /** As {@link ObjectStore.list}, in the order of the bytes of the keys. A prefix is quick. */
  async *list(options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const prefix = await this.#calls.ofAll('list', () => checkListing(options))
    const infos = this.#table.list(prefix, options.signal)
    for (;;) {
      const step = await this.#calls.ofAll('list', () => infos.next())
      if (step.done === true) return
      yield step.value
    }
  }

  /**
   * Removes what has expired, and says how many objects that were. Until then, or until their keys
   * are written again, they take up space.
   */
  removeExpired(options: CallOptions = {}): Promise<number> {
    return this.#calls.ofAll('removeExpired', () => {
      checkCall(options)
      return this.#table.removeExpired(options.signal)
    })
  }

  async close(): Promise<void> {
    await this.#calls.end()
    await this.#open.close()
    await this.#onClose()
  }

  async #gather(pieces: AsyncIterableIterator<Uint8Array>): Promise<Buffer> {
    const gathered: Buffer[] = []
    let sizeBytes = 0
    for await (const piece of pieces) {
      sizeBytes += piece.length
      if (sizeBytes > this.#maxValueBytes) throw tooLarge(this.#maxValueBytes)
      // A copy: the piece is its maker's when the next one is asked for.
      gathered.push(Buffer.from(piece))
    }
    return Buffer.concat(gathered, sizeBytes)
  }

  #pin(found: FoundObject | undefined): StoredObject | undefined {
    return found && this.#open.open(found.info, found.bytes)
  }
}

/**
 * Makes a store of a table. Nothing is asked of the server yet.
 *
 * @throws TypeError and RangeError for wrong options
 */
export function postgresStore(options: PostgresOptions): PostgresStore {
  checkOptionNames(options, POSTGRES_OPTIONS)
  const { client, table, maxValueBytes, ownsClient } = options as Partial<PostgresOptions>
  if (typeof client?.query !== 'function') {
    throw new TypeError('client must be a Pool or a Client of pg')
  }
  if (table !== undefined && !isTableName(table)) {
    const what = `of at most ${MAX_NAME_BYTES} bytes each`
    throw new TypeError(`table must be the name of a table, or of its schema and it, ${what}`)
  }
  if (maxValueBytes !== undefined) {
    checkNumber('maxValueBytes', maxValueBytes, 0, MOST_VALUE_BYTES)
  }
  checkBoolean('ownsClient', ownsClient, false)
  return new PostgresStore(options)
}

function isTableName(table: unknown): boolean {
  if (typeof table !== 'string' || !table.isWellFormed() || table.includes('\0')) return false
  const parts = table.split('.')
  const isName = (part: string): boolean => part !== '' && Buffer.byteLength(part) <= MAX_NAME_BYTES
  return parts.length <= 2 && parts.every(isName)
}

/** A name as SQL takes it, whatever is in it. */
function quoted(table: string): string {
  const parts = table.split('.')
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.')
}

function tooLarge(maxValueBytes: number): StoreError {
  const message = `the value is larger than the ${maxValueBytes} bytes that this store takes`
  const advice = 'raise maxValueBytes, or put large values elsewhere by withTiers'
  return new StoreError('TOO_LARGE', `${message}; ${advice}`)
}
