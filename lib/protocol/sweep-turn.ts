/**
 * Turns: stores that are open sweep by themselves, one of them at most once an hour, whatever
 * process or host it is in.
 *
 *     1  learn the time of the server; the hour it is in has a number
 *     2  list `.tmp`: a turn taken less than an hour ago means that it is not ours
 *     3  mkdir `.tmp/swept-<number>`: one of many     crash: the turn is taken, and nothing is
 *        contenders succeeds                          swept before the next
 *     4  list again: who took the turn of the hour before meanwhile goes first
 *     5  remove the turns of earlier hours            crash: they stay until the next
 *
 * It is a courtesy that spares work: sweeps that run at the same time do no harm.
 */
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { mkdir, type Operation } from '../drivers/effects.js'
import { find } from './absence.js'
import type { Context } from './context.js'
import { beat } from './heartbeat.js'
import { entries } from './list.js'
import { PRIVATE_DIRECTORY } from './private-names.js'
import { removeDirectory } from './removal.js'

const { errno } = constants

/** How far turns are apart. */
export const TURN_MS = 60 * 60 * 1000

const TURN_NAME = /^swept-(\d+)$/

/** Takes the turn to sweep; says whether it is ours. */
export function* takeTurn(context: Context): Operation<boolean> {
  const nowMs = yield* beat(context)
  const turn = Math.floor(nowMs / TURN_MS)
  if (yield* isTaken(context, turn, nowMs)) return false
  try {
    yield* mkdir(pathOf(context, turn), context.dirMode ?? 0o777)
  } catch (error) {
    if (isErrno(error, errno.EEXIST)) return false
    throw error
  }
  if (yield* isTaken(context, turn - 1, nowMs)) {
    yield* removeDirectory(pathOf(context, turn))
    return false
  }
  for (const earlier of yield* turns(context)) {
    if (earlier < turn) yield* removeDirectory(pathOf(context, earlier))
  }
  return true
}

/** Whether a turn up to this one was taken less than an hour ago. */
function* isTaken(context: Context, upTo: number, nowMs: number): Operation<boolean> {
  for (const turn of yield* turns(context)) {
    if (turn > upTo) continue
    const mark = yield* find(pathOf(context, turn))
    if (mark !== undefined && nowMs - mark.mtimeMs < TURN_MS) return true
  }
  return false
}

function* turns(context: Context): Operation<number[]> {
  const names = yield* entries(`${context.root}/${PRIVATE_DIRECTORY}`)
  return names.flatMap((name) => TURN_NAME.exec(name)?.[1] ?? []).map(Number)
}

function pathOf({ root }: Context, turn: number): string {
  return `${root}/${PRIVATE_DIRECTORY}/swept-${turn}`
}
