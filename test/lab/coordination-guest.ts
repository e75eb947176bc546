import type { Test } from 'tap'
import { makeDisk, WHOLE_SECONDS } from './disk.js'
import { background, quote, runGuest, WAIT_FOR_JOBS, worker } from './guest.js'
import { IS_SHORT, tellProgress } from './selection.js'

/** How some hosts use a store together. */
export interface Row {
  /** Mount options. */
  readonly options: string
  readonly hosts: number
  /** The host whose cable is pulled. */
  readonly cut?: string
  /** Whether a short selection does without it. */
  readonly isLong?: boolean
}

const HOST_NAMES = ['a', 'b', 'c']
const HARD = 'hard,timeo=20,retrans=2'
const BOOT_MS = 120_000
const ROW_MS = 120_000

/** Where the server has its disk, and makes hosts that are its clients. */
export const PREPARATION = `
  disk_mount /dev/ubda /run/disk
  nfs_server /run/disk
  host_add a 1; host_add b 2; host_add c 3`

/** Without the cases that a short selection does without. */
export function selected(rows: readonly Row[]): readonly Row[] {
  return rows.filter(({ isLong = false }) => !IS_SHORT || !isLong)
}

/** What a row is called. */
export function nameOf({ options, hosts, cut }: Row): string {
  return `${options}, ${hosts} hosts${cut === undefined ? '' : `, ${cut} cut off for a while`}`
}

/** The hosts of a row. */
export function hostsOf({ hosts }: Row): readonly string[] {
  return HOST_NAMES.slice(0, hosts)
}

/** Where a host has the store of a row. */
export function rootOf(host: string): string {
  return `/run/mnt/${host}/store`
}

/** Shell that runs a worker on a host, to be waited for by `$jobs`. */
export function inBackground(host: string, script: string, ...values: (string | number)[]): string {
  return background(`host_run ${host} ${worker(script, ...values)}`)
}

/** How rows are run. */
interface RowsOptions {
  /** Variables of the shell that set up the server; default none. */
  readonly settings?: string
  /** Whether the server's clock ticks as usual, and not once a second, which hides more. */
  readonly ticksFinely?: boolean
}

/** Runs shell for each row, in one guest, and gives what was reported for each. */
export async function runRows(
  t: Test,
  rows: readonly Row[],
  scriptOf: (row: Row) => string,
  { settings = '', ticksFinely = false }: RowsOptions = {},
): Promise<unknown[][]> {
  const reports: unknown[][] = rows.map(() => [])
  let current = -1
  const onResult = (result: unknown): void => {
    if (typeof result === 'number') {
      current = result
      tellProgress(`coordination: ${nameOf(rows[current]!)}`)
    } else reports[current]!.push(result)
  }
  const scripts = rows.map((row, i) => {
    const names = hostsOf(row)
    const options = quote(row.cut === undefined ? row.options : `${row.options},${HARD}`)
    return `
      echo ${i} >>$LAB_RESULTS
      rm -rf /run/disk/* /run/row; mkdir /run/row; jobs=
      ${names.map((name) => `host_mount ${name} /run/mnt/${name} ${options}`).join('\n')}
      ${scriptOf(row)}
      ${WAIT_FOR_JOBS}
      umount ${names.map((name) => `/run/mnt/${name}`).join(' ')}`
  })
  await runGuest(t, {
    disks: [makeDisk(t, { fileSystem: 'ext4', makeOptions: ticksFinely ? [] : WHOLE_SECONDS })],
    memoryMiB: 768,
    timeoutMs: BOOT_MS + rows.length * ROW_MS,
    script: `${settings}\n${PREPARATION}\n${scripts.join('\n')}`,
    onResult,
  })
  return reports
}
