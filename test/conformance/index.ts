/**
 * The conformance suite: what every backend and every layer must do, whatever it is made of.
 * It needs no test framework of its own; hand it the `test` function of yours.
 *
 * @packageDocumentation
 */
import type { ObjectStore, Supports } from '../../index.js'
import { conditions } from './conditions.js'
import { handles } from './handles.js'
import { listings } from './listings.js'
import { many } from './many.js'
import { misuse } from './misuse.js'
import { values } from './values.js'
import { verbs } from './verbs.js'

/** One body of data that can be opened more than once. */
export interface Subject {
  /** Opens the data: each call gives a store of its own, as another process would have it. */
  open(): Promise<ObjectStore>
  /** Removes the data, when all stores are closed. */
  remove(): Promise<void>
}

/** What the suite runs with. */
export interface ConformanceOptions {
  /** Declares a test; what it returns is awaited before the next one. */
  readonly test: (name: string, body: () => Promise<void>) => unknown
  /** Makes a subject that is empty. Called once for each test. */
  readonly factory: () => Promise<Subject>
  /** What the subject is meant to support; the rest must throw `NOT_SUPPORTED`. */
  readonly supports: Supports
}

/** One test of the suite. */
export interface ConformanceTest {
  /** What it holds, as a sentence. */
  readonly name: string
  /** Tries it on an empty subject; rejects if it does not hold. */
  readonly run: (subject: Subject, supports: Supports) => Promise<void>
}

const ALL: readonly ConformanceTest[] = [
  ...values,
  ...verbs,
  ...conditions,
  ...handles,
  ...listings,
  ...many,
  ...misuse,
]

/** Declares every test of the suite, one after the other. */
export async function conformance(options: ConformanceOptions): Promise<void> {
  const { test, factory, supports } = options
  for (const { name, run } of ALL) {
    await test(name, async () => {
      const subject = await factory()
      const opened: ObjectStore[] = []
      const open = async (): Promise<ObjectStore> => {
        const store = await subject.open()
        opened.push(store)
        return store
      }
      try {
        await run({ open, remove: () => subject.remove() }, supports)
      } finally {
        for (const store of opened) await store.close()
        await subject.remove()
      }
    })
  }
}
