/** Counting in a transaction of an embedded database. */
import { join } from 'node:path'
import { counterOf, Unavailable, type Counter } from './counter.js'

const BUSY_MS = 60_000

/** What is used of `node:sqlite`, of which the types for the oldest Node know nothing. */
interface Sqlite {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void
    prepare(sql: string): { run(...values: number[]): unknown; get(): unknown }
    close(): void
  }
}

/** What is used of `lmdb`, which is no dependency: it is measured where it is installed. */
interface Lmdb {
  open(options: Readonly<Record<string, string | boolean>>): {
    get(key: string): number | undefined
    putSync(key: string, value: number): void
    transactionSync(action: () => void): void
    close(): Promise<void>
  }
}

/**
 * Counts in SQLite with a write-ahead log.
 *
 * @param synchronous - `FULL` flushes the log at each commit, `OFF` nothing
 */
export async function sqliteCounter(
  directory: string,
  synchronous: 'FULL' | 'OFF',
): Promise<Counter> {
  const { DatabaseSync } = await load<Sqlite>('node:sqlite')
  const database = new DatabaseSync(join(directory, 'counter.sqlite'))
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
  const lmdb = await load<Lmdb>('lmdb')
  // Otherwise a commit is acknowledged before it is flushed.
  const how = isFlushed ? { overlappingSync: false } : { noSync: true }
  const database = lmdb.open({ path: join(directory, 'lmdb'), ...how })
  const read = (): number => database.get('counter') ?? 0
  const add = (): void => {
    database.transactionSync(() => {
      database.putSync('counter', read() + 1)
    })
  }
  return counterOf(add, read, () => database.close())
}

async function load<T>(name: string): Promise<T> {
  try {
    return (await import(name)) as T
  } catch (error) {
    throw new Unavailable(`Node ${process.versions.node} finds no ${name} here`, { cause: error })
  }
}
