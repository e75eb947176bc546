import { hostname } from 'node:os'
import { randomBytes } from 'node:crypto'
import type { CheckedWrite } from '../../call-options.js'
import { orAbort, requireNoAbort } from '../../drivers/abort.js'
import { keyHasObject, otherVersion, StoreError } from '../../errors.js'
import type { ObjectInfo } from '../../object-info.js'
import type { Connection, Row } from './connection.js'

/** An object with its value. */
export interface FoundObject {
  readonly info: ObjectInfo
  readonly bytes: Buffer
}

/** How many objects a listing asks for at a time. */
const PAGE_SIZE = 500
/** How many expired objects are removed at a time. */
const EXPIRED_AT_ONCE = 1000

/** The server's clock, the one clock of all hosts: when the statement arrived there. */
const NOW_MS = 'floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint'
const IS_LIVE = `(expires_at_ms IS NULL OR expires_at_ms > ${NOW_MS})`
const INFO = `encode(key, 'base64') AS key, octet_length(value) AS size_bytes,
  encode(version, 'hex') AS version, written_at_ms, written_by, expires_at_ms, attributes`
/** Shorter than what PostgreSQL writes by itself, and the same whatever its \`bytea_output\`. */
const VALUE = `encode(value, 'base64') AS value`

/**
 * The rows of one table: one for each key. Each change is one statement, which PostgreSQL carries
 * out as a whole or not at all, over the row as it is when its turn comes.
 */
export class Table {
  readonly #connection: Connection
  readonly #name: string
  #making: Promise<void> | undefined

  /** @param name - of the table, quoted */
  constructor(connection: Connection, name: string) {
    this.#connection = connection
    this.#name = name
  }

  async read(key: string, signal: AbortSignal | undefined): Promise<FoundObject | undefined> {
    const what = `SELECT ${INFO}, ${VALUE} FROM ${this.#name} WHERE key = $1 AND ${IS_LIVE}`
    const [row] = await this.#ask(what, [bytesOf(key)], signal)
    return row === undefined ? undefined : toObject(row)
  }

  async stat(key: string, signal: AbortSignal | undefined): Promise<ObjectInfo | undefined> {
    const what = `SELECT ${INFO} FROM ${this.#name} WHERE key = $1 AND ${IS_LIVE}`
    const [row] = await this.#ask(what, [bytesOf(key)], signal)
    return row === undefined ? undefined : toInfo(row)
  }

  async write(
    key: string,
    value: Buffer,
    how: CheckedWrite,
    signal: AbortSignal | undefined,
  ): Promise<ObjectInfo> {
    const { ttlMs, ifAbsent, ifVersion } = how
    const values: unknown[] = [
      bytesOf(key),
      value,
      randomBytes(16),
      hostname(),
      ttlMs ?? null,
      attributesIn(how),
    ]
    if (ifVersion !== undefined) values.push(Buffer.from(ifVersion, 'hex'))
    const [row] = await this.#change(this.#writing(how), values, signal)
    if (row !== undefined) return toInfo(row)
    throw ifAbsent ? keyHasObject() : otherVersion()
  }

  /** Says whether there was an object. */
  async remove(
    key: string,
    ifVersion: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const at = `DELETE FROM ${this.#name} WHERE key = $1`
    if (ifVersion === undefined) {
      const [row] = await this.#change(
        `${at} RETURNING ${IS_LIVE}::text AS live`,
        [bytesOf(key)],
        signal,
      )
      return row?.['live'] === 'true'
    }
    const values = [bytesOf(key), Buffer.from(ifVersion, 'hex')]
    const over = `${at} AND version = $2 AND ${IS_LIVE} RETURNING version`
    const [row] = await this.#change(over, values, signal)
    if (row === undefined) throw otherVersion()
    return true
  }

  async take(key: string, signal: AbortSignal | undefined): Promise<FoundObject | undefined> {
    const what = `DELETE FROM ${this.#name} WHERE key = $1 AND ${IS_LIVE}
      RETURNING ${INFO}, ${VALUE}`
    const [row] = await this.#change(what, [bytesOf(key)], signal)
    return row === undefined ? undefined : toObject(row)
  }

  /** In the order of their keys, a page at a time: each begins behind the last key of the other. */
  async *list(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<ObjectInfo> {
    const end = endOf(prefix)
    const before = end === undefined ? '' : 'AND key < $2'
    let since = bytesOf(prefix)
    for (let compare = '>='; ; compare = '>') {
      const what = `SELECT ${INFO} FROM ${this.#name} AS own
        WHERE key ${compare} $1 ${before} AND ${IS_LIVE} ORDER BY own.key LIMIT ${PAGE_SIZE}`
      const rows = await this.#ask(what, end === undefined ? [since] : [since, end], signal)
      for (const row of rows) yield toInfo(row)
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE_SIZE) return
      since = Buffer.from(textIn(last, 'key'), 'base64')
    }
  }

  /** Removes what has expired; says how many there were. */
  async removeExpired(signal: AbortSignal | undefined): Promise<number> {
    const what = `DELETE FROM ${this.#name} WHERE key = ANY(ARRAY(
      SELECT key FROM ${this.#name} WHERE expires_at_ms <= ${NOW_MS} LIMIT ${EXPIRED_AT_ONCE}
    )) AND expires_at_ms <= ${NOW_MS} RETURNING version`
    for (let count = 0; ;) {
      const rows = await this.#change(what, [], signal)
      count += rows.length
      if (rows.length < EXPIRED_AT_ONCE) return count
    }
  }

  #writing({ ifAbsent, ifVersion }: CheckedWrite): string {
    const row = `$2, $3, ${NOW_MS}, $4, ${NOW_MS} + $5::bigint, $6::json`
    const columns = 'value, version, written_at_ms, written_by, expires_at_ms, attributes'
    if (ifVersion !== undefined) {
      return `UPDATE ${this.#name} SET (${columns}) = (${row})
        WHERE key = $1 AND version = $7 AND ${IS_LIVE} RETURNING ${INFO}`
    }
    const replacing = columns.replaceAll(/\w+/g, (column) => `EXCLUDED.${column}`)
    // An expired object counts as none, and is replaced in the same step.
    const where = ifAbsent ? `WHERE own.expires_at_ms <= ${NOW_MS}` : ''
    return `INSERT INTO ${this.#name} AS own (key, ${columns}) VALUES ($1, ${row})
      ON CONFLICT (key) DO UPDATE SET (${columns}) = (${replacing}) ${where} RETURNING ${INFO}`
  }

  async #ask(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Row[]> {
    await this.#make(signal)
    return await this.#connection.ask(text, values, signal)
  }

  async #change(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Row[]> {
    await this.#make(signal)
    return await this.#connection.change(text, values, signal)
  }

  /** Makes the table if there is none; asked once. Who may only use it need not be able to. */
  async #make(signal: AbortSignal | undefined): Promise<void> {
    requireNoAbort(signal)
    this.#making ??= this.#makeOnce().catch((error: unknown) => {
      this.#making = undefined
      throw error
    })
    await orAbort(this.#making, signal)
  }

  async #makeOnce(): Promise<void> {
    const find = 'SELECT to_regclass($1)::text AS found'
    const [row] = await this.#connection.ask(find, [this.#name], undefined)
    if (row?.['found'] === null) await this.#connection.ask(creation(this.#name), [], undefined)
  }
}

/**
 * One statement that makes the table and its index. Of many that come at once one makes them; the
 * others wait for it, and would fail then, `IF NOT EXISTS` or not. Values are not compressed, since
 * that takes longer than to write them.
 */
function creation(name: string): string {
  const steps = `BEGIN
    CREATE TABLE ${name} (
      key bytea PRIMARY KEY,
      value bytea NOT NULL,
      version bytea NOT NULL,
      written_at_ms bigint NOT NULL,
      written_by text NOT NULL,
      expires_at_ms bigint,
      attributes json
    );
    ALTER TABLE ${name} ALTER COLUMN value SET STORAGE EXTERNAL;
    CREATE INDEX ON ${name} (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  EXCEPTION WHEN duplicate_table OR duplicate_object OR unique_violation THEN NULL;
  END`
  return `DO E'${steps.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** As `json`, which unlike `jsonb` keeps every text that JavaScript has. */
function attributesIn({ contentType, metadata }: CheckedWrite): string | null {
  const isEmpty = contentType === undefined && Object.keys(metadata).length === 0
  return isEmpty ? null : JSON.stringify({ contentType, metadata })
}

function bytesOf(key: string): Buffer {
  return Buffer.from(key)
}

/** Where the keys end that begin with a prefix; undefined where all do. UTF-8 has no byte 255. */
function endOf(prefix: string): Buffer | undefined {
  const bytes = bytesOf(prefix)
  const last = bytes.at(-1)
  if (last === undefined) return undefined
  bytes[bytes.length - 1] = last + 1
  return bytes
}

function toObject(row: Row): FoundObject {
  return { info: toInfo(row), bytes: Buffer.from(textIn(row, 'value'), 'base64') }
}

function toInfo(row: Row): ObjectInfo {
  const expires = row['expires_at_ms']
  const attributes = JSON.parse(row['attributes'] ?? '{}') as Partial<ObjectInfo>
  return {
    key: Buffer.from(textIn(row, 'key'), 'base64').toString(),
    sizeBytes: Number(textIn(row, 'size_bytes')),
    version: textIn(row, 'version'),
    writtenAtMs: Number(textIn(row, 'written_at_ms')),
    writtenBy: textIn(row, 'written_by'),
    expiresAtMs: typeof expires === 'string' ? Number(expires) : undefined,
    contentType: attributes.contentType,
    metadata: attributes.metadata ?? {},
  }
}

function textIn(row: Row, column: string): string {
  const text = row[column]
  if (typeof text === 'string') return text
  const message = `the column ${column} did not come as text; the client must be one of pg itself`
  throw new StoreError('NOT_SUPPORTED', message)
}
