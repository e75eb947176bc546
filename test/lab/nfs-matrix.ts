import type { Test } from 'tap'
import { makeDisk } from './disk.js'
import { quote, runGuest, together, worker } from './guest.js'
import { judge, type Verdict } from './nfs-judgement.js'
import {
  HOST_WORKER,
  type HostPlan,
  type HostReport,
  type Reader,
  type VisibilityReport,
} from './nfs-plan.js'
import { tellProgress } from './selection.js'

/** One way to mount a store. */
export interface Mount {
  /** Of NFS: 3, 4.0, 4.1 or 4.2. */
  readonly version: string
  /** Further mount options; none: the kernel's own. */
  readonly options?: string
}

/** A way to mount a store, and who uses it so. */
export interface Row extends Mount {
  readonly hosts: number
  readonly reader: Reader
  readonly epochs: number
}

const EPOCH_MS = 1000
/** What a row may take beyond its epochs: mounts, and the start of its hosts. */
const ROW_MS = 60_000
const BOOT_MS = 120_000
/** What a round of all cases of visibility may take. */
const ROUND_MS = 4000
const PREPARATION = `
  disk_mount /dev/ubda /run/disk
  nfs_server /run/disk
  host_add a 1; host_add b 2; host_add c 3`
const HOST_NAMES = ['a', 'b', 'c']

const READER_NAMES: Readonly<Record<Reader, string>> = {
  store: '',
  cached: ', values in memory',
  stale: ', fresh: false',
  bare: ', bare link and read',
}

/** What a row is called. */
export function nameOf(row: Row): string {
  return `${nameOfMount(row)}, ${row.hosts} hosts${READER_NAMES[row.reader]}`
}

/** What a way to mount is called. */
export function nameOfMount({ version, options = 'default options' }: Mount): string {
  return `NFS ${version}, ${options}`
}

/** Runs rows one after the other in one guest, and judges what its hosts report. */
export async function runRows(t: Test, rows: readonly Row[], seed: number): Promise<Verdict[]> {
  const reports: HostReport[][] = rows.map(() => [])
  const onResult = (result: unknown): void => {
    const { row } = result as HostReport
    if (reports[row]!.push(result as HostReport) === rows[row]!.hosts)
      tellProgress(nameOf(rows[row]!))
  }
  const epochs = rows.reduce((sum, { epochs }) => sum + epochs, 0)
  await runGuest(t, {
    disks: [makeDisk(t, { fileSystem: 'ext4' })],
    memoryMiB: 768,
    timeoutMs: BOOT_MS + rows.length * ROW_MS + epochs * EPOCH_MS,
    script: `${PREPARATION}\n${scriptOf(rows, seed)}`,
    onResult,
  })
  return reports.map((ofRow, i) => {
    if (ofRow.length !== rows[i]!.hosts) throw new Error(`row ${i} lacks a report`)
    return judge(ofRow)
  })
}

/** Runs the cases of visibility on each way to mount, all in one guest. */
export async function runVisibility(
  t: Test,
  mounts: readonly Mount[],
  rounds: number,
): Promise<VisibilityReport[][]> {
  const reports: VisibilityReport[][] = mounts.map(() => [])
  let current = -1
  const onResult = (result: unknown): void => {
    if (typeof result === 'number') {
      current = result
      tellProgress(`${nameOfMount(mounts[current]!)}, visibility`)
    } else {
      reports[current]!.push(result as VisibilityReport)
    }
  }
  const scripts = mounts.map((mount, i) => {
    const roots = ['a', 'b'].map((name) => `/run/mnt/${name}/seen-${i}`)
    return `
      echo ${i} >>$LAB_RESULTS
      for host in a b; do host_mount $host /run/mnt/$host ${optionsOf(mount)}; done
      ${worker('lab/nfs-visibility-worker.js', ...roots, rounds)}
      umount /run/mnt/a /run/mnt/b`
  })
  await runGuest(t, {
    disks: [makeDisk(t, { fileSystem: 'ext4' })],
    timeoutMs: BOOT_MS + mounts.length * (ROW_MS + rounds * ROUND_MS),
    script: `${PREPARATION}\n${scripts.join('\n')}`,
    onResult,
  })
  return reports
}

function optionsOf({ version, options }: Mount): string {
  const parts = [`vers=${version}`, ...(version === '3' ? ['nolock'] : []), options ?? []].flat()
  return quote(parts.join(','))
}

/** Each host has a mount for each of its rows, and one process, which goes from row to row. */
function scriptOf(rows: readonly Row[], seed: number): string {
  const mounts: string[] = []
  const hosts: string[] = []
  for (const [host, name] of HOST_NAMES.entries()) {
    const plans: string[] = []
    for (const [row, { hosts, reader, epochs, ...mount }] of rows.entries()) {
      if (host >= hosts) continue
      const path = `/run/mnt/${name}/${row}`
      mounts.push(`host_mount ${name} ${path} ${optionsOf(mount)}`)
      const plan: HostPlan = {
        ...{ row, host, hosts, reader, epochs, epochMs: EPOCH_MS, seed: seed + row },
        root: `${path}/row-${row}`,
        meetingPath: `/run/meeting-${row}`,
      }
      plans.push(JSON.stringify(plan))
    }
    if (plans.length > 0) hosts.push(`host_run ${name} ${worker(HOST_WORKER, ...plans)}`)
  }
  return [...mounts, together(hosts), 'umount /run/mnt/*/*'].join('\n')
}
