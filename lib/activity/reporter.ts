import { basename } from 'node:path'
import { argv, pid } from 'node:process'
import * as nodeFs from 'node:fs'
import { checkOpen } from '../backends/opening.js'
import { publishNotice } from '../diagnostics.js'
import { AsyncDriver } from '../drivers/async.js'
import { toStoreError } from '../errors.js'
import { checkNumber, checkOptionNames } from '../options.js'
import { removeReport, writeReport } from '../protocol/activity.js'
import type { Context } from '../protocol/context.js'
import { openStore } from '../protocol/open.js'
import { readOnlyError, removeInstance } from '../protocol/private-names.js'
import { Figures } from './figures.js'
import { encodeReport } from './report.js'

/** How a process reports what it does. */
export interface ReportOptions {
  /** How often, in milliseconds, from 100; default 1000. */
  readonly intervalMs?: number | undefined
  /** What the process is called; default: the name of the file that Node was started with. */
  readonly program?: string | undefined
}

/** What {@link reportActivity} has begun. */
export interface ActivityReporting extends AsyncDisposable {
  /** Ends it, and removes the report. A second time does nothing. */
  stop(): Promise<void>
}

const INTERVAL_MS = 1000
const DAY_MS = 24 * 60 * 60 * 1000
/** A process that does nothing says so only now and then: after so many intervals. */
const IDLE_INTERVALS = 10
/** For so many intervals after the next one is due a report is believed. */
const PATIENCE = 3
const MAX_PROGRAM = 100

/**
 * Lets whoever looks at a store see what this process does with it: figures of the last second,
 * written to a small file among the store's private names, for `linkstore top`. It counts the
 * operations of all stores that this process has opened, or opens yet, by that very path. It
 * costs four calls to the file system a second while there is something to tell, keeps no process
 * alive, and what fails of it is published on the channel `linkstore:notice`.
 *
 * @param path - the directory of a store that is there
 * @throws StoreError `ACCESS_DENIED` where nothing may be written, and as `open` does
 */
export async function reportActivity(
  path: string,
  options: ReportOptions = {},
): Promise<ActivityReporting> {
  checkOptionNames(options, ['intervalMs', 'program'])
  const { program = basename(argv[1] ?? 'node') } = options
  const intervalMs = checkNumber('intervalMs', options.intervalMs ?? INTERVAL_MS, 100, DAY_MS)
  if (typeof program !== 'string') throw new TypeError('program must be a string')
  const [root, how] = checkOpen(path, { create: false })
  const driver = new AsyncDriver(nodeFs)
  try {
    const context = await driver.run(openStore(root, how))
    if (context.readOnly !== undefined) throw readOnlyError(context)
    return new Reporter(driver, context, intervalMs, program.slice(0, MAX_PROGRAM))
  } catch (error) {
    throw toStoreError(error, 'reportActivity')
  }
}

class Reporter implements ActivityReporting {
  readonly #driver: AsyncDriver
  readonly #context: Context
  readonly #intervalMs: number
  readonly #program: string
  readonly #figures: Figures
  readonly #timer: NodeJS.Timeout
  #idleIntervals = 0
  #writing: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(driver: AsyncDriver, context: Context, intervalMs: number, program: string) {
    this.#driver = driver
    this.#context = context
    this.#intervalMs = intervalMs
    this.#program = program
    this.#figures = new Figures(context.root)
    this.#timer = setInterval(this.#tick, intervalMs).unref()
    this.#tick()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#figures[Symbol.dispose]()
    await this.#writing
    await this.#driver.run(removeReport(this.#context))
    await this.#driver.run(removeInstance(this.#context))
  }

  readonly #tick = (): void => {
    // A file system that takes longer gets fewer.
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined))
  }

  async #write(): Promise<void> {
    const figures = this.#figures.take()
    const isIdle = figures.operations.length === 0 && figures.active === 0
    this.#idleIntervals = isIdle ? this.#idleIntervals + 1 : 0
    // The first idle report says that there is nothing more.
    if (this.#idleIntervals > 1 && this.#idleIntervals % IDLE_INTERVALS > 0) return
    const validMs = this.#intervalMs * (PATIENCE + (isIdle ? IDLE_INTERVALS : 1))
    const { host } = this.#context
    const report = { host, pid, program: this.#program, validMs, ...figures }
    try {
      await this.#driver.run(writeReport(this.#context, encodeReport(report)))
    } catch (error) {
      publishNotice('the activity of this process could not be reported', error)
    }
  }
}
