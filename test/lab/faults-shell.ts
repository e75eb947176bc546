import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * Runs the shell functions of `guest/nfs.sh`, which must be exported, one after the other. All in
 * one process, begun before any file on the mount is open: to begin one closes in the child what
 * the parent has open, and on a mount that hangs, that hangs.
 */
export class Shell {
  readonly #process = spawn('bash', [], { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] })
  readonly #lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]()

  /** Runs a command and waits for it; throws if its status is not 0. */
  async run(command: string): Promise<void> {
    const status = await this.statusOf(command)
    if (status !== 0) throw new Error(`${command} ended with status ${status}`)
  }

  /** Runs a command and gives its status; NaN if the shell has ended. */
  async statusOf(command: string): Promise<number> {
    this.#process.stdin.write(`${command} >&2; echo $?\n`)
    const { value } = (await this.#lines.next()) as { value?: string }
    return Number(value)
  }

  /** Ends it. */
  end(): void {
    this.#process.stdin.end()
  }
}
