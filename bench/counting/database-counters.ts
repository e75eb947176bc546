/** Counting in a transaction of an embedded database. */
import { join } from 'node:path'
import { openLmdb, openSqlite } from '../subjects/databases.js'
import { counterOf, type Counter } from './counter.js'

const BUSY_MS = 60_000

/**
 * Counts in SQLite with a write-ahead log.
 *
 * @param synchronous - `FULL` flushes the log at each commit, `OFF` nothing
 */
export async function sqliteCounter(
  directory: string,
  synchronous: 'FULL' | 'OFF',
): Promise<Counter> {
  const database = await openSqlite(join(directory, 'counter.sqlite'))
  database.exec(`
    PRAGMA busy_timeout = ${BUSY_MS};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${synchronous};
    CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
    INSERT OR IGNORE INTO counters VALUES ('counter', 0)`)
  const select = database.prepare("SELECT value FROM counters WHERE name = 'counter'")
  const read = (): number => (select.get() as { value: number }).value
  const update = database.prepare("UPDATE counters SET value = ? WHERE name = 'counter'")
  const add = (): void => {
    // Locked before it is read.
    database.exec('BEGIN IMMEDIATE')
    try {
      update.run(read() + 1)
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
  return counterOf(add, read, () => database.close())
}

/** Counts in LMDB, which flushes at each commit or not at all. */
export async function lmdbCounter(directory: string, isFlushed: boolean): Promise<Counter> {
  const database = await openLmdb<number>(join(directory, 'lmdb'), isFlushed)
  const read = (): number => database.get('counter') ?? 0
  const add = (): void => {
    database.transactionSync(() => {
      database.putSync('counter', read() + 1)
    })
  }
  return counterOf(add, read, () => database.close())
}
