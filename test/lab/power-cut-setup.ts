/** What the tests of power cuts have in common: disks, mounts, a plan for the worker, a table. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Durability } from '../../index.js'
import { scratchPath, type DiskFileSystem } from './disk.js'
import { worker } from './guest.js'
import type { Plan, StorePlan } from './power-cut-plan.js'
import { DURABILITIES, Tally } from './power-cut-record.js'

/** Enough for three stores and what they have not yet written to their disks. */
export const MEMORY_MIB = 768

/** The device that the guest sees of one of its disks. */
export function deviceOf(index: number): string {
  return `/dev/ubd${String.fromCharCode('a'.charCodeAt(0) + index)}`
}

/** One store of each durability, each on a disk of its own. */
export function storePlans(
  device: (index: number) => string,
  keys: (name: string) => readonly string[],
): StorePlan[] {
  return DURABILITIES.map((durability, i) => ({
    name: durability,
    durability,
    device: device(i),
    mountPoint: `/run/disk/${durability}`,
    keys: keys(durability),
  }))
}

/** Lets the kernel write by itself soon; otherwise it waits as long as it does by default. */
export const HASTY = `echo 10 >/proc/sys/vm/dirty_writeback_centisecs
  echo 30 >/proc/sys/vm/dirty_expire_centisecs
  echo 100 >/proc/sys/fs/xfs/xfssyncd_centisecs`

/** Options of a mount that commits by itself soon, or nearly never. */
export function mountOptions(fileSystem: DiskFileSystem, isHasty: boolean): string {
  return fileSystem === 'xfs' ? 'defaults' : `commit=${isHasty ? 1 : 30}`
}

/** The command line of a worker that follows a plan. */
export function planned(t: Test, script: string, plan: Plan, ...values: string[]): string {
  const path = join(scratchPath(t), 'plan.json')
  writeFileSync(path, JSON.stringify(plan))
  // Else the flushes of one store would wait for those of another one.
  return `UV_THREADPOOL_SIZE=12 ${worker(script, path, ...values)}`
}

/** A row of the table for each durability. */
export function tallyOf(fileSystem: DiskFileSystem): ReadonlyMap<string, Tally> {
  return new Map(DURABILITIES.map((durability) => [durability, new Tally(fileSystem, durability)]))
}

/** Checks what must hold whatever was lost. */
export function checkTallies(t: Test, rows: ReadonlyMap<string, Tally>, cuts: number): void {
  for (const { durability, faults, lost, corrupt, ...row } of rows.values()) {
    t.strictSame(faults.slice(0, 5), [], `${durability}: nothing is there that must not be`)
    t.equal(row.cuts, cuts, `${durability}: each cut was judged`)
    t.ok(row.acknowledged > 0, `${durability}: something was acknowledged`)
    if (durability !== 'none') t.equal(corrupt, 0, `${durability}: no object is damaged`)
    if (durability === 'full') t.equal(lost, 0, 'full: nothing that was acknowledged is lost')
  }
}

/** Checks that a store that flushes as another durability does would not have passed as `full`. */
export function checkTeeth(t: Test, tallies: readonly Tally[], weaker: Durability): void {
  const rows = tallies.filter(({ durability }) => durability === weaker)
  const found = rows.reduce((sum, { notFull }) => sum + notFull, 0)
  t.ok(found > 0, `a full store that flushes as ${weaker} does is found out, ${found} times`)
}

/** Prints the rows. */
export function printTable(t: Test, tallies: readonly Tally[]): void {
  const head = ['file system', 'durability', 'cuts', 'acknowledged', 'lost', 'CORRUPT', 'wrong']
  const rows = tallies.map((tally) => [
    ...[tally.fileSystem, tally.durability],
    ...[tally.cuts, tally.acknowledged, tally.lost, tally.corrupt, tally.faults.length].map(String),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)))
  for (const row of [head, ...rows]) {
    t.comment(row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '))
  }
}
