/**
 * The names that files have until they are complete: `.linkstore-HOST-PID-TOKEN-NUMBER`. From them
 * the next run tells what a process that was killed has left, and removes it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import fs from 'fs-extra'
import { hasCode } from '../failure.js'

const PATTERN = /^\.linkstore-([0-9a-f]{12})-(\d{1,10})-[0-9a-f]{16}-\d{1,15}$/
/** Whether a process of another host is alive cannot be seen. */
const FOREIGN_AGE_MS = 24 * 60 * 60 * 1000

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 12)

/** Gives out names that no other process and no other run has. */
export class TemporaryNames {
  readonly #start = `.linkstore-${HOST}-${process.pid}-${randomBytes(8).toString('hex')}`
  #count = 0

  next(): string {
    this.#count += 1
    return `${this.#start}-${this.#count}`
  }
}

/** Removes what processes that are gone have left in a directory. */
export async function removeAbandoned(directory: string): Promise<void> {
  // A directory that cannot be read keeps what it has.
  for (const name of await fs.readdir(directory).catch(() => [])) {
    const [, host, pid] = PATTERN.exec(name) ?? []
    if (host === undefined) continue
    const path = `${directory}/${name}`
    const isAbandoned = host === HOST ? !isAlive(Number(pid)) : await isOld(path)
    // Another run may be just doing the same.
    if (isAbandoned) await fs.unlink(path).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !hasCode(error, 'ESRCH')
  }
}

async function isOld(path: string): Promise<boolean> {
  const stats = await fs.lstat(path).catch(() => undefined)
  return stats !== undefined && Date.now() - stats.ctimeMs > FOREIGN_AGE_MS
}
