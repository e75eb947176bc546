/** Whether what hosts saw of cells and leases keeps the promises. */
import type { CellCall, LeaseEvent } from './coordination-plan.js'

/**
 * What is wrong with the calls on a cell in which hosts count from 0. As each change adds one,
 * the value must be the number of the generation: if it is less, a change was made on what was
 * not there any more, and another is lost. Whoever began after a call had returned must find what
 * that found, or more; and more, if it was to change it. Together that is linearizability, as the
 * generations are the order.
 */
export function judgeCell(calls: readonly CellCall[]): string[] {
  const wrong: string[] = []
  const updates = calls.filter(({ kind }) => kind === 'update')
  if (new Set(updates.map(({ generation }) => generation)).size < updates.length) {
    wrong.push('two changes have one generation')
  }
  const byReturn = calls.toSorted((one, other) => one.returned - other.returned)
  let highest: CellCall | undefined
  let at = 0
  for (const call of calls.toSorted((one, other) => one.called - other.called)) {
    for (; at < byReturn.length && byReturn[at]!.returned < call.called; at += 1) {
      if (byReturn[at]!.generation > (highest?.generation ?? 0)) highest = byReturn[at]
    }
    const least = (highest?.generation ?? 0) + (call.kind === 'update' ? 1 : 0)
    if (call.generation < least) wrong.push(`${tell(call)} began after ${tell(highest!)}`)
    if (call.value !== call.generation) wrong.push(`${tell(call)}: a change is lost`)
  }
  for (const call of calls) {
    const source = updates.find(({ generation }) => generation === call.generation)
    if (source !== undefined && source.called > call.returned) {
      wrong.push(`${tell(call)} was over before ${tell(source)} began`)
    }
  }
  return wrong
}

function tell({ host, kind, generation, value, called, returned }: CellCall): string {
  const times = `${called.toFixed(1)}-${returned.toFixed(1)}`
  return `${times} ${host} ${kind} ${generation}=${value}`
}

/** What is wrong with the holdings of a lease: two at a time, or a token that is not larger. */
export function judgeLease(events: readonly LeaseEvent[]): string[] {
  const wrong: string[] = []
  const inTime = events.toSorted((one, other) => one.atMs - other.atMs)
  let holder: LeaseEvent | undefined
  let lastToken = 0
  for (const event of inTime) {
    if (event.kind === 'begun') {
      if (holder !== undefined) wrong.push(`${tellLease(event)} before ${tellLease(holder)} ended`)
      if (event.token <= lastToken) wrong.push(`${tellLease(event)} after token ${lastToken}`)
      lastToken = Math.max(lastToken, event.token)
      holder = event
    } else if (event.token === holder?.token) holder = undefined
  }
  return wrong
}

function tellLease({ host, kind, token, atMs }: LeaseEvent): string {
  return `${atMs.toFixed(1)} ${host} ${kind} ${token}`
}
