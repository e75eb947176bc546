import { setMaxListeners } from 'node:events'
import * as nodeFs from 'node:fs'
import { constants } from 'node:os'
import { CommanderError } from 'commander'
import type { ObjectStore, OpenOptions, Store } from '../../index.js'
import type { ActivityObserver } from '../activity/index.js'
import { BrokenPipe, describe, EXIT, statusOf } from './failure.js'
import { openObjectsAt, openStoreAt, pathOf, requirePath } from './place.js'
import type { ProgressBar } from './progress-bar.js'
import { quoted, safeText } from './safe-text.js'
import { writeStderr } from './stderr.js'
import type { SealFlags } from './seal.js'
import { isStdoutBusy } from './stdout.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** A signal that asks a process to end. */
export type Signal = (typeof SIGNALS)[number] | 'SIGHUP'
type Closable = { close(): Promise<void> }

/** What one run of the command shares: its store, its signals, its messages, its status. */
export class Session {
  readonly #abort = new AbortController()
  #interruptedBy: Signal | undefined
  #bar: ProgressBar | undefined
  #divertedTo: ((signal: Signal) => void) | undefined
  #isListening = false
  /** The directory, or URL, that was asked for, if any was. */
  directory: string | undefined
  /** Who reads it, if it is sealed. */
  seal: SealFlags | undefined
  /** What the process exits with if nothing fails. */
  status: number = EXIT.done

  constructor() {
    // Each of the many operations that run at the same time listens to it.
    setMaxListeners(0, this.#abort.signal)
  }

  /** Aborts when the user or the system asks the process to end. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /**
   * Opens the store, lets `work` use it, and closes it whatever happens. For single objects:
   * `node:fs` is there already, a kinder file system would have to be loaded.
   */
  withStore(options: OpenOptions, work: (store: Store) => Promise<void>): Promise<void> {
    return this.withManyObjects({ fs: nodeFs, inline: true, ...options }, work)
  }

  /** The same for work on many objects at once. */
  async withManyObjects(
    options: OpenOptions,
    work: (store: Store) => Promise<void>,
  ): Promise<void> {
    await this.withStoreAt(this.requireDirectory(), options, work)
  }

  /** The same with any store, by its directory or URL. */
  async withStoreAt(
    place: string,
    options: OpenOptions,
    work: (store: Store) => Promise<void>,
  ): Promise<void> {
    const { seal } = this
    if (seal === undefined) {
      await this.#with(place, (signal) => openStoreAt(place, { ...options, signal }), work)
      return
    }
    const { unsealedStore } = await import('./seal.js')
    await this.#withObjectsAt(place, options, async (objects) => {
      await work(await unsealedStore(objects, seal))
    })
  }

  /** The same with the store under its bare face, which hands out pinned objects. */
  async withObjects(
    options: OpenOptions,
    work: (store: ObjectStore) => Promise<void>,
  ): Promise<void> {
    const { seal } = this
    await this.withStored(options, async (objects) => {
      if (seal === undefined) return await work(objects)
      const { unsealed } = await import('./seal.js')
      await work(await unsealed(objects, seal))
    })
  }

  /** The same with what is stored as it is, also where it is sealed. */
  async withStored(
    options: OpenOptions,
    work: (objects: ObjectStore) => Promise<void>,
  ): Promise<void> {
    const how = { fs: nodeFs, inline: true, ...options }
    await this.#withObjectsAt(this.requireDirectory(), how, work)
  }

  async #withObjectsAt(
    place: string,
    options: OpenOptions,
    work: (objects: ObjectStore) => Promise<void>,
  ): Promise<void> {
    await this.#with(place, (signal) => openObjectsAt(place, { ...options, signal }), work)
  }

  /** The same with nothing but a look from outside. */
  async withObserver(work: (observer: ActivityObserver) => Promise<void>): Promise<void> {
    const { observeActivity } = await import('../activity/index.js')
    const directory = requirePath(this.requireDirectory())
    await this.#with(directory, (signal) => observeActivity(directory, { signal }), work)
  }

  async #with<S extends Closable>(
    place: string,
    open: (signal: AbortSignal) => Promise<S>,
    work: (store: S) => Promise<void>,
  ): Promise<void> {
    this.#listen()
    const store = await open(this.signal)
    try {
      await this.#reporting(place, () => work(store))
    } catch (error) {
      // What went wrong first is what the user must hear of.
      await store.close().catch(() => undefined)
      throw error
    }
    await store.close()
  }

  /** Lets `work` clean up after itself when a signal comes; for what needs no store to be there. */
  interruptible<T>(work: () => Promise<T>): Promise<T> {
    this.#listen()
    return work()
  }

  /** Reports what `work` does, if that is asked for: for what runs long, such as `queue run`. */
  async #reporting(place: string, work: () => Promise<void>): Promise<void> {
    const isAsked = (process.env['LINKSTORE_REPORT'] ?? '') !== ''
    const path = isAsked ? pathOf(place) : undefined
    if (path === undefined) return await work()
    const { reportActivity } = await import('../activity/index.js')
    const begun = reportActivity(path, { program: 'linkstore' })
    // A store that one may only read can still be read.
    const reporting = await begun.catch((error: unknown) => {
      this.note(`what it does is not reported: ${describe(error)}`)
    })
    try {
      await work()
    } finally {
      // What it leaves is swept; what `work` has come to matters more.
      await reporting?.stop().catch(() => undefined)
    }
  }

  requireDirectory(): string {
    if (this.directory !== undefined && this.directory !== '') return this.directory
    throw new TypeError(
      'no store was named; give its directory or URL with -d, or set LINKSTORE_DIR',
    )
  }

  requireSeal(): SealFlags {
    if (this.seal !== undefined) return this.seal
    throw new TypeError(
      'no identity was named; give its file with --identity, or set LINKSTORE_IDENTITY',
    )
  }

  /** Until it is disposed of, signals go there and interrupt nothing; SIGHUP is one of them. */
  divertSignals(to: (signal: Signal) => void): Disposable {
    this.#divertedTo = to
    process.on('SIGHUP', this.#onSignal)
    return {
      [Symbol.dispose]: () => {
        this.#divertedTo = undefined
        process.removeListener('SIGHUP', this.#onSignal)
      },
    }
  }

  /** From now on, messages take this bar away before they are written. */
  show(bar: ProgressBar): void {
    this.#bar = bar
  }

  /** Takes the bar away, so that what is printed has the line to itself. */
  hide(): void {
    this.#bar?.clear()
  }

  /** Says something to the user, on a line of its own. */
  note(message: string): void {
    this.#bar?.clear()
    writeStderr(`linkstore: ${message}\n`)
  }

  /** Something was left out, so that the whole was not done. */
  noteSkipped(name: string, reason: string): void {
    this.note(`skipped ${quoted(name)}: ${safeText(reason)}`)
    this.status = EXIT.failed
  }

  /** There is no such object: not a failure, but not what was asked for either. */
  absent(key: string): void {
    this.note(`no object has the key ${quoted(key)}`)
    this.status = EXIT.absent
  }

  /** Runs a command line to its end; returns the status to exit with. */
  async conclude(run: () => Promise<unknown>): Promise<number> {
    try {
      await run()
      return this.status
    } catch (error) {
      return this.#interruptedBy === undefined
        ? await this.#fail(error)
        : this.#giveIn(this.#interruptedBy)
    } finally {
      this.#bar?.clear()
    }
  }

  async #fail(error: unknown): Promise<number> {
    // Commander has said already what was wrong.
    const isSilent = error instanceof CommanderError || error instanceof BrokenPipe
    if (!isSilent) {
      const { colorsFor } = await import('./colors.js')
      const { red } = colorsFor(2)
      this.#bar?.clear()
      writeStderr(`${red('linkstore:')} ${describe(error)}\n`)
    }
    return statusOf(error)
  }

  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
    // A write beyond `ulimit -f` then fails as one on a full disk does; else the process would die.
    process.on('SIGXFSZ', () => undefined)
  }

  readonly #onSignal = (signal: Signal): void => {
    if (this.#divertedTo !== undefined) {
      this.#divertedTo(signal)
      return
    }
    // Asked twice: then at once, whatever it leaves behind.
    if (this.#interruptedBy !== undefined) die(signal)
    this.#interruptedBy = signal
    this.#abort.abort(new Error(`interrupted by ${signal}`))
  }

  #giveIn(signal: Signal): never {
    this.note(`interrupted by ${signal}`)
    // A write to a reader that has stopped reading never ends, and exit() would wait for it.
    if (isStdoutBusy()) die(signal)
    process.exit(128 + constants.signals[signal])
  }
}

/** Ends the process as the signal does when nobody listens to it. */
function die(signal: Signal): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
