/**
 * One host of the NFS matrix: uses a store together with others, and reports each call and its
 * answer. Each of its arguments is a HostPlan as JSON; it follows them one after the other, since
 * to start a process takes a guest as long as a third of a row.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { link, mkdir, readFile, unlink } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { hashKey, open, type Store } from '../../index.js'
import { report } from './channel.js'
import {
  epochKeys,
  type EpochKey,
  type HostPlan,
  type HostReport,
  type Recorded,
} from './nfs-plan.js'

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
function shareOf({ host, hosts }: HostPlan, { isContended }: EpochKey): number {
  if (isContended) return Math.floor(MAX_CALLS / hosts)
  if (hosts === 3) return [8, 11, 9][host]!
  return [10, 18][host]!
}

/** Whether this host reads without linkstore. */
function isBare({ reader, host }: Pick<HostPlan, 'reader' | 'host'>): boolean {
  return reader === 'bare' && host > 0
}

/** Whether this host is one that changes the keys that not all hosts change. */
function choicesFor({ reader, host }: HostPlan, { isContended }: EpochKey): readonly Kind[] {
  if (isBare({ reader, host })) return ['read']
  if (isContended) return CONTENTION
  return [CHANGES, LOOKS, [...CHANGES, ...LOOKS]][host]!
}

class Host {
  readonly calls: Recorded[] = []
  readonly faults: string[] = []
  readonly #plan: HostPlan
  readonly #store: Store
  readonly #chance: Chance
  readonly #keys: readonly (readonly EpochKey[])[]
  readonly #counts = new Map<string, number>()
  #values = 0

  constructor(plan: HostPlan, store: Store) {
    this.#plan = plan
    this.#store = store
    this.#chance = new Chance(plan.seed * 31 + plan.host)
    this.#keys = Array.from({ length: plan.epochs }, (_, epoch) => epochKeys(epoch))
  }

  async work(startMs: number): Promise<void> {
    await setTimeout(startMs - now())
    const lanes = Array.from({ length: LANES }, () => this.#lane(startMs))
    const { host, reader } = this.#plan
    if (host === 1 && reader !== 'bare') lanes.push(this.#listings(startMs))
    await Promise.all(lanes)
  }

  async #lane(startMs: number): Promise<void> {
    const { epochs, epochMs } = this.#plan
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
    const isOpen = (key: EpochKey): boolean =>
      (this.#counts.get(key.key) ?? 0) < shareOf(this.#plan, key)
    const open = this.#keys[epoch]!.filter(isOpen)
    if (open.length === 0) return undefined
    const chosen = this.#chance.of(open)
    this.#counts.set(chosen.key, (this.#counts.get(chosen.key) ?? 0) + 1)
    return chosen
  }

  async #call(chosen: EpochKey): Promise<void> {
    const { key } = chosen
    const { host } = this.#plan
    const kind = this.#chance.of(choicesFor(this.#plan, chosen))
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
        if (isBare(this.#plan)) return valueOf(await readBare(this.#plan, key))
        return valueOf(await this.#store.get(key))
      case 'has':
        return await this.#store.has(key)
    }
  }

  /** Lists, and records for each key of the epoch whether it was there. */
  async #listings(startMs: number): Promise<void> {
    const { host, epochs, epochMs } = this.#plan
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
        for (const { key } of this.#keys[epoch]!) {
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
async function readBare({ root, host }: HostPlan, key: string): Promise<Buffer | undefined> {
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
async function meet({ meetingPath, host, hosts }: HostPlan): Promise<number> {
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

async function follow(plan: HostPlan): Promise<HostReport> {
  const { row, root, host, reader } = plan
  const stale = reader === 'stale' && host > 0 ? { fresh: false } : {}
  const cached = reader === 'cached' ? { cache: { maxBytes: 1e6 } } : {}
  await using store = await open(root, { durability: 'none', ...stale, ...cached })
  if (reader === 'bare') await mkdir(`${root}/.tmp/bare-${host}`, { recursive: true })
  const worker = new Host(plan, store)
  await worker.work(await meet(plan))
  return { row, host, calls: worker.calls, faults: worker.faults }
}

for (const plan of process.argv.slice(2)) report(await follow(JSON.parse(plan) as HostPlan))
