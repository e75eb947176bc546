/** Processes of an application, each with a port of its own, and what they answer. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Application } from './application.js'

const START_TIMEOUT_MS = 60_000
const REQUEST_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 5000

/** The groups that are to end with this process, however it ends. */
const groups = new Set<number>()
const endGroups = (): void => {
  for (const group of groups) endGroup(group, 'SIGKILL')
}
process.on('exit', endGroups)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** What a page says of itself. */
export interface Page {
  readonly status: number
  readonly text: string
  /** The rendering; several where a body was mixed of them. */
  readonly renderings: readonly string[]
  readonly version: number
}

/** A process that serves an application. */
export class Server {
  readonly url: string
  readonly #process: ChildProcess
  #printed = ''

  private constructor(url: string, process: ChildProcess) {
    this.url = url
    this.#process = process
    const add = (piece: Buffer): void => void (this.#printed += piece.toString())
    process.stdout?.on('data', add)
    process.stderr?.on('data', add)
  }

  /** Starts `next start`; it is killed when the test ends. */
  static async start(
    t: Test,
    { directory, environment }: Application,
    more: NodeJS.ProcessEnv = {},
  ): Promise<Server> {
    const port = await freePort()
    const bin = join(directory, 'node_modules/next/dist/bin/next')
    const words = [bin, 'start', '-p', `${port}`, '-H', '127.0.0.1']
    const child = spawn(process.execPath, words, {
      cwd: directory,
      env: { ...environment, ...more },
      // A group of its own, with all that it starts.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (child.pid !== undefined) groups.add(child.pid)
    const server = new Server(`http://127.0.0.1:${port}`, child)
    t.teardown(() => server.stop())
    await server.#untilReady()
    return server
  }

  /** All that it has printed. */
  get printed(): string {
    return this.#printed
  }

  /** Ends it and what it has started. */
  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const exit = once(this.#process, 'exit')
    endGroup(pid, 'SIGTERM')
    await Promise.race([exit, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
    endGroup(pid, 'SIGKILL')
    groups.delete(pid)
  }

  /** What it answers. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    return await fetch(this.url + path, { signal, ...init })
  }

  /** A page, as HTML or as what the browser asks for when it goes from page to page. */
  async page(path: string, headers: Record<string, string> = {}): Promise<Page> {
    const response = await this.fetch(path, { headers })
    const text = await response.text()
    const found = [...text.matchAll(/rendering ([0-9a-f-]{36}) version (\d+)/g)]
    const renderings = [...new Set(found.map(([, rendering = '']) => rendering))]
    return { status: response.status, text, renderings, version: Number(found[0]?.[2]) }
  }

  /** Has it revalidate a tag or a path. */
  async revalidate(what: Readonly<Record<string, string>>): Promise<void> {
    const query = new URLSearchParams(what).toString()
    const response = await this.fetch(`/api/revalidate?${query}`, { method: 'POST' })
    const text = await response.text()
    if (!response.ok) throw new Error(`it answers ${response.status}: ${text}`)
  }

  async #untilReady(): Promise<void> {
    for (const endMs = performance.now() + START_TIMEOUT_MS; performance.now() < endMs;) {
      if (this.#process.exitCode !== null) break
      const response = await fetch(this.url).catch(() => undefined)
      if (response?.ok === true) return
      await sleep(100)
    }
    throw new Error(`next start does not answer:\n${this.#printed}`)
  }
}

function endGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch {
    // They have all ended.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
