/** The current keyring, as one opened store knows it. */
import { orAbort } from '../../drivers/abort.js'
import type { ObjectStore } from '../../object-store.js'
import { notDecrypted, notTrusted } from './failures.js'
import type { Identity } from './identity.js'
import type { Epoch, OpenedKeyring } from './keyring-format.js'
import { loadKeyring } from './keyring.js'
import type { Recollection } from './recollection.js'

/** What a keyring is kept as in the memory of a reader. */
const MEMORY_NAME = 'keyring'

/** Where keyrings come from, and who may have made them. */
export interface KeyringPlace {
  readonly inner: ObjectStore
  readonly identity: Identity
  readonly keepers: ReadonlySet<string>
  readonly memory: Recollection | undefined
  /** After this time a writer looks whether there is a newer one. */
  readonly refreshMs: number
}

interface Remembered {
  readonly generation?: number
  readonly hash?: string
}

/** Loads the keyring when it is needed, once for all that need it. */
export class KeyringSource {
  readonly #place: KeyringPlace
  #known: OpenedKeyring | undefined
  #lookedAtMs = -Infinity
  #loading: Promise<OpenedKeyring> | undefined

  constructor(place: KeyringPlace) {
    this.#place = place
  }

  /** The latest one that was read. */
  async any(signal: AbortSignal | undefined): Promise<OpenedKeyring> {
    return this.#known ?? (await this.#load(signal))
  }

  /** One that is not older than `refreshMs`. */
  async fresh(signal: AbortSignal | undefined): Promise<OpenedKeyring> {
    const isFresh = performance.now() - this.#lookedAtMs < this.#place.refreshMs
    return isFresh && this.#known !== undefined ? this.#known : await this.#load(signal)
  }

  /** The epoch that an object was sealed in. */
  async epoch(id: string, signal: AbortSignal | undefined): Promise<Epoch> {
    const known = epochIn(await this.any(signal), id)
    const found = known ?? epochIn(await this.#load(signal), id)
    if (found !== undefined) return found
    const what = 'the keyring has no key of the time in which the object was sealed'
    throw notDecrypted(`${what}: the object was changed, or comes from another store`)
  }

  async #load(signal: AbortSignal | undefined): Promise<OpenedKeyring> {
    // Whoever comes meanwhile waits for the same; so no signal of one of them may end it.
    this.#loading ??= this.#loadOnce().finally(() => (this.#loading = undefined))
    return await orAbort(this.#loading, signal)
  }

  async #loadOnce(): Promise<OpenedKeyring> {
    const { inner, identity, keepers, memory } = this.#place
    const startedAtMs = performance.now()
    const before = this.#known
    const opened = await loadKeyring(inner, identity, keepers, { known: before })
    if (before === undefined) await this.#requireLatest(opened)
    if (opened !== before) {
      const { generation, hash } = opened
      await memory?.remember(MEMORY_NAME, () => ({ generation, hash }))
    }
    this.#known = opened
    this.#lookedAtMs = startedAtMs
    return opened
  }

  /** Whoever removes the latest generation would have it sealed for whom it had removed. */
  async #requireLatest({ generation, hash }: OpenedKeyring): Promise<void> {
    const kept = ((await this.#place.memory?.recall(MEMORY_NAME)) ?? {}) as Remembered
    const isOther = kept.generation === generation && kept.hash !== hash
    if (!isOther && (kept.generation ?? 0) <= generation) return
    const what = `the keyring is at generation ${generation}, and this reader has seen`
    throw notTrusted(`${what} ${isOther ? 'another one' : `generation ${kept.generation}`} of it`)
  }
}

function epochIn({ epochs }: OpenedKeyring, id: string): Epoch | undefined {
  return epochs.find((epoch) => epoch.id === id)
}
