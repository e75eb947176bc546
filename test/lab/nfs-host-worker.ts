/**
 * One host of the NFS matrix: uses a store together with others, and reports each call and its
 * answer. Its argument is a HostPlan as JSON.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { link, mkdir, readFile, unlink } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { hashKey, open, type Store } from '../../index.js'
import { report } from './channel.js'
import { epochKeys, type EpochKey, type HostPlan, type Recorded } from './nfs-plan.js'

/** So many calls of one key can be judged; listings take two of them. */
const MAX_CALLS = 28
const MAX_LISTINGS = 2
const LANES = 2
/** Between two calls, on average. */
const PAUSE_MS = 15
const MEETING_MS = 60_000

type Kind = Recorded['kind']
/** The verbs that a call is chosen from; what stands twice is twice as likely. */
const CHANGES: readonly Kind[] = ['write', 'write', 'write', 'add', 'take', 'remove']
const LOOKS: readonly Kind[] = ['read', 'read', 'read', 'has']
const CONTENTION: readonly Kind[] = [
  'write',
  'add',
  'add',
  'take',
  'take',
  'remove',
  'read',
  'read',
]

const plan = JSON.parse(process.argv[2] ?? '') as HostPlan
const { root, host, hosts, epochs, epochMs } = plan

/** Milliseconds of the guest's clock, which all its processes share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** Numbers below a limit, the same for the same seed. */
class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % limit
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}

/** How often this host may call a key in its epoch. */
function shareOf({ isContended }: EpochKey): number {
  if (isContended) return Math.floor(MAX_CALLS / hosts)
  if (hosts === 3) return [8, 11, 9][host]!
  return [10, 18][host]!
}

/** Whether this host is one that changes the keys that not all hosts change. */
function choicesFor({ isContended }: EpochKey): readonly Kind[] {
  if (plan.reader === 'bare' && host > 0) return ['read']
  if (isContended) return CONTENTION
  return [CHANGES, LOOKS, [...CHANGES, ...LOOKS]][host]!
}

class Host {
  readonly calls: Recorded[] = []
  readonly faults: string[] = []
  readonly #store: Store
  readonly #chance = new Chance(plan.seed * 31 + host)
  readonly #counts = new Map<string, number>()
  #values = 0

  constructor(store: Store) {
    this.#store = store
  }

  async work(startMs: number): Promise<void> {
    await setTimeout(startMs - now())
    const lanes = Array.from({ length: LANES }, () => this.#lane(startMs))
    if (host === 1 && plan.reader !== 'bare') lanes.push(this.#listings(startMs))
    await Promise.all(lanes)
  }

  async #lane(startMs: number): Promise<void> {
    for (;;) {
      const elapsedMs = Math.max(0, now() - startMs)
      const epoch = Math.floor(elapsedMs / epochMs)
      if (epoch >= epochs) return
      const key = this.#pick(epoch)
      if (key === undefined) await setTimeout((epoch + 1) * epochMs - elapsedMs)
      else await this.#call(key)
      // Else a host that is quick would be through before the others have begun.
      await setTimeout(this.#chance.below(2 * PAUSE_MS))
    }
  }

  /** A key of the epoch that this host may still call; none when it is through with all. */
  #pick(epoch: number): EpochKey | undefined {
    const open = keysOf[epoch]!.filter((key) => (this.#counts.get(key.key) ?? 0) < shareOf(key))
    if (open.length === 0) return undefined
    const chosen = this.#chance.of(open)
    this.#counts.set(chosen.key, (this.#counts.get(chosen.key) ?? 0) + 1)
    return chosen
  }

  async #call(chosen: EpochKey): Promise<void> {
    const { key } = chosen
    const kind = this.#chance.of(choicesFor(chosen))
    const isWrite = kind === 'write' || kind === 'add'
    const value = isWrite ? `${host}.${(this.#values += 1)}` : undefined
    const called = now()
    try {
      const result = await this.#perform(kind, key, value)
      const returned = now()
      this.calls.push({
        ...{ host, key, kind, called, returned },
        ...(value !== undefined && { value }),
        ...(result !== undefined && { result }),
      })
    } catch (error) {
      this.faults.push(`${kind} of ${key} on host ${host}: ${String(error)}`)
    }
  }

  async #perform(
    kind: Kind,
    key: string,
    value: string | undefined,
  ): Promise<string | boolean | undefined> {
    switch (kind) {
      case 'write':
        await this.#store.set(key, bodyOf(value!))
        return undefined
      case 'add':
        return await this.#store.add(key, bodyOf(value!))
      case 'take':
        return valueOf(await this.#store.take(key))
      case 'remove':
        return await this.#store.delete(key)
      case 'read':
        if (plan.reader === 'bare' && host > 0) return valueOf(await readBare(key))
        return valueOf(await this.#store.get(key))
      case 'has':
        return await this.#store.has(key)
    }
  }

  /** Lists, and records for each key of the epoch whether it was there. */
  async #listings(startMs: number): Promise<void> {
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      await setTimeout(Math.max(0, startMs + epoch * epochMs - now()))
      for (let n = 0; n < MAX_LISTINGS && now() < startMs + (epoch + 1) * epochMs; n += 1) {
        const called = now()
        const listed: string[] = []
        try {
          for await (const key of this.#store.keys()) listed.push(key)
        } catch (error) {
          this.faults.push(`list: ${String(error)}`)
          continue
        }
        const returned = now()
        const found = new Set(listed)
        if (found.size < listed.length) this.faults.push('a listing gave a key twice')
        for (const { key } of keysOf[epoch]!) {
          this.calls.push({ host, key, kind: 'has', result: found.has(key), called, returned })
        }
      }
    }
  }
}

/** Of all lengths up to some KiB; its first line is what a history calls the value. */
function bodyOf(value: string): string {
  const [, n = '0'] = value.split('.')
  return `${value}\n${'x'.repeat((Number(n) * 37) % 5000)}`
}

/** What was stored, if it is exactly what some call stored; otherwise what no call ever did. */
function valueOf(body: Buffer | undefined): string | undefined {
  if (body === undefined) return undefined
  const text = body.toString()
  const value = text.slice(0, text.indexOf('\n'))
  return text === bodyOf(value) ? value : `torn ${text.slice(0, 40)}`
}

let bareNames = 0

/** What a reader does that does not know better. */
async function readBare(key: string): Promise<Buffer | undefined> {
  const hash = hashKey(key)
  const path = `${root}/.tmp/bare-${host}/${(bareNames += 1)}`
  let body: Buffer
  try {
    await link(`${root}/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`, path)
    body = await readFile(path)
    await unlink(path)
  } catch (error) {
    const { ENOENT, ESTALE } = constants.errno
    if ([ENOENT, ESTALE].includes(-((error as NodeJS.ErrnoException).errno ?? 0))) return undefined
    throw error
  }
  // The footer is not for this reader: what it stores here is text, which has no such bytes.
  const value = body.toString('latin1')
  const length = bodyOf(value.slice(0, value.indexOf('\n'))).length
  return body.subarray(0, length)
}

/** Waits until all hosts are here, and gives the time at which all begin. */
async function meet(): Promise<number> {
  const { meetingPath } = plan
  mkdirSync(meetingPath, { recursive: true })
  writeFileSync(`${meetingPath}/${host}`, String(now()))
  const endMs = now() + MEETING_MS
  for (;;) {
    const names = readdirSync(meetingPath)
    if (names.length === hosts) {
      const times = names.map((name) => Number(readFileSync(`${meetingPath}/${name}`, 'utf8')))
      if (times.every((time) => time > 0)) return Math.max(...times) + 100
    }
    if (now() > endMs) throw new Error('not all hosts came')
    await setTimeout(20)
  }
}

const keysOf = Array.from({ length: epochs }, (_, epoch) => epochKeys(epoch))
const stale = plan.reader === 'stale' && host > 0 ? { fresh: false } : {}
const cached = plan.reader === 'cached' ? { cache: { maxBytes: 1e6 } } : {}
const store = await open(root, { durability: 'none', ...stale, ...cached })
if (plan.reader === 'bare') await mkdir(`${root}/.tmp/bare-${host}`, { recursive: true })
const worker = new Host(store)
await worker.work(await meet())
await store.close()
report({ host, calls: worker.calls, faults: worker.faults })
