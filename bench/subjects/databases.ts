/** Embedded databases. */
import { join } from 'node:path'
import { load, Unavailable } from '../unavailable.js'
import type { Subject } from './subject.js'

/** What is used of SQLite, by whichever package. */
export interface Sqlite {
  exec(sql: string): void
  prepare(sql: string): {
    run(...values: (string | number | Buffer)[]): unknown
    get(...values: string[]): unknown
  }
  close(): void
}

/** What is used of `lmdb`. */
export interface Lmdb<V> {
  get(key: string): V | undefined
  put(key: string, value: V): Promise<boolean>
  putSync(key: string, value: V): void
  transactionSync<T>(action: () => T): T
  close(): Promise<void>
}

type SqliteClass = new (path: string) => Sqlite

/** Opens SQLite: what is installed for it, or what is in Node from version 22 on. */
export async function openSqlite(path: string): Promise<Sqlite> {
  return new (await sqliteClass())(path)
}

async function sqliteClass(): Promise<SqliteClass> {
  // Names that the compiler cannot look up: neither is there everywhere.
  const [installed, builtIn] = ['better-sqlite3', 'node:sqlite'] as [string, string]
  try {
    return ((await import(installed)) as { readonly default: SqliteClass }).default
  } catch {
    try {
      return ((await import(builtIn)) as { readonly DatabaseSync: SqliteClass }).DatabaseSync
    } catch (error) {
      const message = `Node ${process.versions.node} has no ${builtIn}`
      throw new Unavailable(`${message}, ${installed} is not installed`, { cause: error })
    }
  }
}

/** @param isFlushed - whether a commit is flushed before it is acknowledged, or never */
export async function openLmdb<V>(
  path: string,
  isFlushed: boolean,
  encoding: 'msgpack' | 'binary' = 'msgpack',
): Promise<Lmdb<V>> {
  const lmdb = await load('lmdb', () => import('lmdb'))
  // Otherwise a commit is acknowledged before it is flushed.
  const how = isFlushed ? { overlappingSync: false } : { noSync: true }
  return lmdb.open<V, string>({ path, encoding, ...how })
}

export async function lmdbSubject(directory: string, isFlushed: boolean): Promise<Subject> {
  const database = await openLmdb<Buffer>(join(directory, 'lmdb'), isFlushed, 'binary')
  return {
    get: (key) => database.get(key),
    set: (key, value) => database.put(key, value),
    close: () => database.close(),
  }
}

export async function levelSubject(directory: string, isFlushed: boolean): Promise<Subject> {
  const { ClassicLevel } = await load('classic-level', () => import('classic-level'))
  const level = new ClassicLevel<string, Buffer>(directory, { valueEncoding: 'buffer' })
  await level.open()
  return {
    get: (key) => level.get(key),
    set: (key, value) => level.put(key, value, { sync: isFlushed }),
    close: () => level.close(),
  }
}

export async function sqliteSubject(
  directory: string,
  synchronous: 'FULL' | 'OFF',
): Promise<Subject> {
  const database = await openSqlite(join(directory, 'values.sqlite'))
  database.exec(`
    PRAGMA busy_timeout = 60000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${synchronous};
    CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID`)
  const select = database.prepare('SELECT value FROM objects WHERE key = ?')
  const replace = database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?)')
  return {
    get: (key) => {
      const row = select.get(key) as { readonly value: Uint8Array } | undefined
      if (row === undefined) return undefined
      return Buffer.from(row.value.buffer, row.value.byteOffset, row.value.byteLength)
    },
    set: (key, value) => replace.run(key, value),
    close: () => database.close(),
  }
}
