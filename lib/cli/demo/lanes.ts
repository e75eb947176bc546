/** What each worker does, side by side, until its shift is over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { HOT_KEYS, ownKey, OWN_KEYS, raceKey, TICK_MS, TOKEN_TICKS, tokenKey } from './keys.js'
import { oneOf, type Shift } from './shift.js'

/** Nothing else of a process runs meanwhile, so it is a few, and then the others' turn. */
const HITS_IN_A_ROW = 4
const HITS_PAUSE_MS = 5
const LISTING_PAUSE_MS = 1000

/** Works until the shift is over. */
export async function work(shift: Shift): Promise<void> {
  const lanes = [hitHotKeys, readHotKeys, readHotKeys, keepOwnKeys, contend, list]
  await Promise.all(lanes.map((lane) => lane(shift)))
}

async function hitHotKeys(shift: Shift): Promise<void> {
  while (!shift.over) {
    for (let hit = 0; hit < HITS_IN_A_ROW; hit += 1) shift.hitSync(oneOf(HOT_KEYS))
    await sleep(HITS_PAUSE_MS)
  }
}

async function readHotKeys(shift: Shift): Promise<void> {
  while (!shift.over) await shift.read(oneOf(HOT_KEYS))
}

async function keepOwnKeys(shift: Shift): Promise<void> {
  const { name } = shift.assignment
  for (let index = 0; !shift.over; index += 1) {
    await shift.keep(ownKey(name, index))
    const earlier = ownKey(name, Math.max(0, index - Math.floor(Math.random() * OWN_KEYS)))
    const seen = await shift.read(earlier)
    const isOld = seen.kind === 'whole' && seen.sha256 !== shift.acknowledged.get(earlier)
    if (isOld) shift.tally.lost += 1
  }
}

/**
 * All processes reach for the same names at the same moments. A worker that replaces another
 * starts at a later tick, so that no token is laid out twice.
 */
async function contend(shift: Shift): Promise<void> {
  const { startMs, assignment } = shift
  let tick = 0
  while (!shift.over) {
    const now = Math.floor((Date.now() - startMs) / TICK_MS)
    tick = Math.max(tick, now) + 1
    await pause(shift, startMs + tick * TICK_MS - Date.now())
    await shift.add(raceKey(tick))
    if (tick % assignment.processes === assignment.slot) await shift.layOut(tokenKey(tick))
    if (tick > TOKEN_TICKS) await shift.take(tokenKey(tick - TOKEN_TICKS))
  }
}

async function list(shift: Shift): Promise<void> {
  while (!shift.over) {
    await shift.list(HOT_KEYS)
    await pause(shift, LISTING_PAUSE_MS)
  }
}

/** Waits, but not beyond the end of the shift. */
async function pause(shift: Shift, delayMs: number): Promise<void> {
  await Promise.race([sleep(Math.max(0, delayMs), undefined, { ref: false }), shift.end])
}
