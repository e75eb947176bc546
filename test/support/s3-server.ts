import { CreateBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(
  new URL('../../dist/test/support/s3-server-process.js', import.meta.url),
)

/** What the server takes, and what the command is given to sign with. */
export const CREDENTIALS = { accessKeyId: 'key', secretAccessKey: 'secret' }

/** A server of S3 that runs in a process of its own. */
export class S3Server {
  /** Where it is, as an URL. */
  readonly endpoint: string
  readonly #child: ChildProcess
  readonly #clients = new Set<S3Client>()
  #buckets = 0

  private constructor(endpoint: string, child: ChildProcess) {
    this.endpoint = endpoint
    this.#child = child
  }

  static async start(): Promise<S3Server> {
    const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    const failed = once(child, 'exit').then(() => {
      throw new Error('the server of S3 did not start')
    })
    const [endpoint] = (await Promise.race([once(lines, 'line'), failed])) as [string]
    failed.catch(() => undefined)
    return new S3Server(endpoint, child)
  }

  /** A client, which is destroyed when the server is stopped. */
  client(config: S3ClientConfig = {}): S3Client {
    const client = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: CREDENTIALS,
      ...config,
    })
    this.#clients.add(client)
    return client
  }

  /** A new bucket with a name that begins with this. */
  async bucket(name = 'things'): Promise<string> {
    this.#buckets += 1
    const bucket = `${name}-${this.#buckets}`
    await this.client().send(new CreateBucketCommand({ Bucket: bucket }))
    return bucket
  }

  /** How many uploads in parts have been left behind. */
  async uploads(): Promise<number> {
    const answer = await fetch(`${this.endpoint}/-/uploads`)
    const { count } = (await answer.json()) as { count: number }
    return count
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
