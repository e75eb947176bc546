/**
 * Compares the two tiers, while others write:
 *
 * 1. The small tier is listed. Whatever it points to is looked at in the large tier; where it is
 *    not as it should be, and the pointer is still the same, the value is broken.
 * 2. The large tier is listed. What had been there for the grace before the first step, and that
 *    step has met no pointer to, nothing will ever point to: a write publishes its pointer within
 *    the grace, or never.
 *
 * Where a part of the small tier cannot be read, it could be what points to something: nothing is
 * removed then.
 */
import { MAX_IN_FLIGHT } from '../../drivers/async.js'
import { hasCode, isOfOneObject } from '../../errors.js'
import { openInput } from '../../many/input.js'
import { Intake } from '../../many/intake.js'
import type { ObjectInfo } from '../../object-info.js'
import type { CallOptions, ObjectStore } from '../../object-store.js'
import { isName, numberOf, pointerOf, type Pointer } from './pointer.js'

/** Options of `verify` of a tiered store. */
export interface TierVerifyOptions extends CallOptions {
  /** Remove what nothing points to; default true. False only tells. */
  readonly repair?: boolean | undefined
  /**
   * Remove the keys whose values are broken, too; default false. Without conditions in the small
   * tier, nobody may write these keys meanwhile.
   */
  readonly removeBroken?: boolean | undefined
  /**
   * How long a write may take from its begin until it is taken for one whose process has died;
   * default a day, by the clocks of the hosts, which must agree by that much.
   */
  readonly graceMs?: number | undefined
}

/** What `verify` of a tiered store has found. */
export interface TierReport {
  /** Objects in all. */
  readonly objects: number
  /** Those of them whose values are in the large tier. */
  readonly large: number
  /** Values that nothing points to: what crashes have left. */
  readonly orphans: number
  /** Keys whose values are not, or not as they were written, in the large tier. */
  readonly broken: readonly string[]
}

/** How old a value must be to be taken for that of a writer that has died: a day. */
export const DEFAULT_GRACE_MS = 24 * 60 * 60 * 1000

/** The two tiers, and what is to be done. */
export interface Verification {
  readonly small: ObjectStore
  readonly large: ObjectStore
  readonly signal: AbortSignal | undefined
  readonly repair: boolean
  readonly removeBroken: boolean
  readonly graceMs: number
}

/** Compares the tiers, and puts right what is asked for. */
export async function verifyTiers(verification: Verification): Promise<TierReport> {
  const sinceMs = Date.now() - verification.graceMs
  const look = new PointerLook(verification)
  await look.run()
  const orphans = await settleOrphans(verification, look, sinceMs)
  if (look.damage !== undefined) throw look.damage
  const { objects, large, broken } = look
  return { objects, large, orphans, broken }
}

/** The first step. */
class PointerLook {
  objects = 0
  large = 0
  readonly broken: string[] = []
  /** Why some of the small tier is not known. */
  damage: unknown
  readonly #verification: Verification
  /** Of the names that are pointed to; a number takes less memory than its name. */
  readonly #numbers = new Set<number>()

  constructor(verification: Verification) {
    this.#verification = verification
  }

  async run(): Promise<void> {
    const { small, signal } = this.#verification
    await this.#noting(async () => {
      await eachOf(small.list({ signal }), signal, (info) => this.#noting(() => this.#see(info)))
    })
  }

  isPointedTo(name: string): boolean {
    return this.#numbers.has(numberOf(name))
  }

  async #see(info: ObjectInfo): Promise<void> {
    this.objects += 1
    const pointer = pointerOf(info)
    if (pointer === undefined) return
    this.large += 1
    this.#numbers.add(numberOf(pointer.name))
    if (await this.#isSound(pointer)) return
    const { small, removeBroken, signal } = this.#verification
    const now = await small.stat(info.key, { signal })
    // Replaced or removed meanwhile, and its value with it.
    if (now === undefined || pointerOf(now)?.name !== pointer.name) return
    this.broken.push(info.key)
    if (removeBroken) await removePointer(small, now, signal)
  }

  async #isSound({ name, sizeBytes }: Pointer): Promise<boolean> {
    const { large, signal } = this.#verification
    try {
      const info = await large.stat(name, { signal })
      return info?.sizeBytes === sizeBytes
    } catch (error) {
      if (isOfOneObject(error)) return false
      throw error
    }
  }

  async #noting(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!isOfOneObject(error)) throw error
      this.damage ??= error
    }
  }
}

async function removePointer(
  small: ObjectStore,
  { key, version }: ObjectInfo,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ifVersion = small.supports.conditions ? version : undefined
  try {
    await small.remove(key, { signal, ifVersion })
  } catch (error) {
    if (!hasCode(error, 'PRECONDITION_FAILED')) throw error
  }
}

/** The second step; says how many orphans there are. */
async function settleOrphans(
  { large, repair, signal }: Verification,
  look: PointerLook,
  sinceMs: number,
): Promise<number> {
  let orphans = 0
  await eachOf(large.list({ signal }), signal, async ({ key: name, writtenAtMs }) => {
    if (!isName(name) || writtenAtMs > sinceMs || look.isPointedTo(name)) return
    orphans += 1
    if (repair && look.damage === undefined) await large.remove(name, { signal })
  })
  return orphans
}

/** Works on what a listing gives, some at a time. */
async function eachOf(
  infos: AsyncIterable<ObjectInfo>,
  signal: AbortSignal | undefined,
  perform: (info: ObjectInfo) => Promise<void>,
): Promise<void> {
  await new Intake(openInput('keys', infos), {
    operation: 'verify',
    concurrency: MAX_IN_FLIGHT,
    signal,
    keyOf: ({ key }) => key,
    drop: () => undefined,
    perform,
  }).run()
}
