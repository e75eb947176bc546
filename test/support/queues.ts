/** Queues in a store of their own, and what tests do with them. */
import * as nodeFs from 'node:fs'
import { existsSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import {
  hashKey,
  open,
  type ConsumeOptions,
  type DeadLetter,
  type Job,
  type OpenOptions,
  type Queue,
  type QueueOptions,
  type Store,
} from '../../index.js'
import { privateFiles } from './faces.js'
import { scratchDirectory } from './surroundings.js'

/** A queue named `jobs`. */
export interface QueuePlace {
  readonly root: string
  readonly store: Store
  readonly queue: Queue
}

/** Opens one; it goes when the test ends. */
export async function queuePlace(
  t: Test,
  options: OpenOptions = {},
  queueOptions: QueueOptions = {},
): Promise<QueuePlace> {
  const root = `${await scratchDirectory(t)}/store`
  const store = await open(root, { durability: 'none', ...options })
  t.teardown(() => store.close())
  return { root, store, queue: store.queue('jobs', queueOptions) }
}

/** The same queue through another store. */
export async function another(
  t: Test,
  { root }: QueuePlace,
  queueOptions: QueueOptions = {},
  options: OpenOptions = {},
): Promise<Queue> {
  const store = await open(root, { durability: 'none', ...options })
  t.teardown(() => store.close())
  return store.queue('jobs', queueOptions)
}

/** Begins to consume, quickly; ends with the test. */
export function consumer(
  t: Test,
  queue: Queue,
  options: ConsumeOptions = {},
): { next: () => Promise<Job>; end: () => Promise<void> } {
  const stop = new AbortController()
  const signals = [stop.signal, ...(options.signal === undefined ? [] : [options.signal])]
  const jobs = queue.consume({ pollMs: 5, ...options, signal: AbortSignal.any(signals) })
  const end = async (): Promise<void> => {
    stop.abort()
    await jobs.return(undefined)
  }
  t.teardown(end)
  const next = async (): Promise<Job> => {
    const { done, value } = await jobs.next()
    if (done === true) throw new Error('the consuming has ended')
    return value
  }
  return { next, end }
}

/** What is in one of the directories of the queue, sorted. */
export function lying(
  root: string,
  where: 'ready' | 'claimed' | 'dead' | 'keys',
  name = 'jobs',
): string[] {
  const path = join(roomOf(root, name), where)
  return existsSync(path) ? readdirSync(path).sort() : []
}

/** The directory of the queue. */
export function roomOf(root: string, name = 'jobs'): string {
  const hash = hashKey(name)
  return join(root, '.queues', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
}

/** What is left under private names, once what is removed in the background has gone. */
export async function leftPrivate(root: string): Promise<string[]> {
  for (let tries = 0; tries < 200 && privateFiles(root).length > 0; tries += 1) {
    await setTimeout(5)
  }
  return privateFiles(root)
}

/** All dead letters. */
export async function letters(queue: Queue): Promise<DeadLetter[]> {
  const found: DeadLetter[] = []
  for await (const letter of queue.deadLetters()) found.push(letter)
  return found
}

type Callback = (error: unknown, result?: unknown) => void
type Call = (...values: unknown[]) => void

/**
 * `node:fs` as it looks over a network that loses replies: the first call was done, and its
 * repetition, which the client makes by itself, is answered by what that left.
 */
export class LossyFileSystem {
  readonly fs: object
  /** Which calls lose their reply; a rename to a path that has this in it. */
  losing: string | undefined
  /** Answers with EIO instead, as a mount with `soft` does. */
  isSoft = false
  lost = 0

  constructor() {
    const real = nodeFs as unknown as Record<string, Call>
    const lossy = (call: 'rename' | 'link', number: number): Call => {
      return (...values) => {
        const done = values.at(-1) as Callback
        const isMeant = this.losing !== undefined && String(values[1]).includes(this.losing)
        real[call]!(values[0], values[1], (error: unknown) => {
          if (error !== null || !isMeant) done(error)
          else {
            this.lost += 1
            done(systemError(this.isSoft ? constants.errno.EIO : number, call))
          }
        })
      }
    }
    this.fs = {
      ...real,
      rename: lossy('rename', constants.errno.ENOENT),
      link: lossy('link', constants.errno.EEXIST),
    }
  }
}

function systemError(number: number, syscall: string): Error {
  return Object.assign(new Error(`as the test wants it, ${syscall}`), { errno: -number, syscall })
}
