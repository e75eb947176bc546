/** How many calls the asynchronous face waits for, where each is a hop to a thread and back. */
import * as nodeFs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { open } from '../../index.js'
import { inScratch } from './scratch.js'
import { perform, VERBS, type Opener, type Verb } from './verbs.js'

/** So many turns of the event loop without a new call: whoever makes one waits for an answer. */
const QUIET_TURNS = 3

/** The calls of one verb, as functions of `node:fs`. */
export interface Hops {
  /** Those that were answered before the verb was. */
  readonly awaited: readonly string[]
  /** Those that nobody waited for. */
  readonly later: readonly string[]
}

type Call = (...values: unknown[]) => unknown

interface Held {
  readonly name: string
  readonly make: () => Promise<void>
}

/**
 * `node:fs` that makes one call at a time, and those that may be clean-up last: what is made only
 * after a verb has returned, it has not waited for.
 */
class HoldingFileSystem {
  readonly fs: Readonly<Record<string, unknown>>
  readonly #held: Held[] = []
  #made: string[] = []
  #quietTurns = 0
  #hasEnded = false

  constructor() {
    const holding = Object.entries(nodeFs as unknown as Readonly<Record<string, unknown>>)
      .filter(([name]) => `${name}Sync` in nodeFs)
      .map(([name, call]) => [name, this.#holding(name, call as Call)] as const)
    this.fs = { ...nodeFs, ...Object.fromEntries(holding) }
  }

  /** Makes the calls that it is asked for, until it is ended. */
  async run(): Promise<void> {
    while (!this.#hasEnded) {
      const next = this.#next()
      if (next === undefined) this.#quietTurns += 1
      else {
        this.#quietTurns = 0
        this.#made.push(next.name)
        await next.make()
      }
      await setImmediate()
    }
  }

  end(): void {
    this.#hasEnded = true
  }

  /** The names of the calls made since this was last asked. */
  takeMade(): string[] {
    const made = this.#made
    this.#made = []
    return made
  }

  /** Resolves when all is made and nobody asks for more. */
  async untilQuiet(): Promise<void> {
    this.#quietTurns = 0
    while (this.#held.length > 0 || this.#quietTurns <= QUIET_TURNS) await setImmediate()
  }

  #holding(name: string, call: Call): Call {
    return (...values) => {
      const done = values.pop() as Call
      const make = (): Promise<void> =>
        new Promise((resolve) => {
          call(...values, (...results: unknown[]) => {
            resolve()
            done(...results)
          })
        })
      this.#held.push({ name, make })
    }
  }

  /** The newest call, but one that may clean up only when nothing else has come for a while. */
  #next(): Held | undefined {
    const mayCleanUp = this.#quietTurns >= QUIET_TURNS
    const isNext = ({ name }: Held): boolean => mayCleanUp || !['close', 'unlink'].includes(name)
    const index = this.#held.findLastIndex(isNext)
    return index === -1 ? undefined : this.#held.splice(index, 1)[0]
  }
}

/** Does every verb through the asynchronous face; gives the hops of each, by its title. */
export function countHops(): Promise<Map<string, Hops>> {
  return inScratch(async (scratch) => {
    const hops = new Map<string, Hops>()
    for (const verb of VERBS) hops.set(verb.title, await hopsOf(verb, `${scratch}/store`))
    return hops
  })
}

async function hopsOf(verb: Verb, root: string): Promise<Hops> {
  const holding = new HoldingFileSystem()
  const running = holding.run()
  let hops: Hops = { awaited: [], later: [] }
  const openIt: Opener = (path, options) => open(path, { ...options, fs: holding.fs })
  try {
    await perform(verb, root, openIt, async (act) => {
      await holding.untilQuiet()
      holding.takeMade()
      await act()
      const awaited = holding.takeMade()
      await holding.untilQuiet()
      hops = { awaited, later: holding.takeMade() }
    })
  } finally {
    holding.end()
    await running
  }
  return hops
}
