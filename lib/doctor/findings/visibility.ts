import type { Facts } from '../facts.js'
import { optionOf, type FileSystem } from '../file-system.js'
import type { Check } from '../report.js'

/** When other hosts see a change. */
export interface Visibility {
  /**
   * - `exact`: every later call sees it
   * - `late`: some later calls may not
   * - `unproven`: as far as opening a directory makes this file system ask again
   */
  readonly level: 'exact' | 'late' | 'unproven'
  readonly reason: string
  readonly advice?: string
}

/** Says when other hosts see a change, from the file system and its mount options. */
export function visibilityOf({ mount }: Facts, system: FileSystem): Visibility {
  switch (system.family) {
    case 'local':
    case 'memory':
    case 'overlay':
      return { level: 'exact', reason: 'all processes of this machine see each change at once' }
    case 'nfs':
      return nfsVisibility(mount?.options ?? [], system.nfsVersion)
    case 'ceph':
      return unproven('CephFS is coherent among its clients by design')
    case 'object':
    case 'smb':
      return { level: 'late', reason: 'clients do not tell each other of changes' }
    default:
      return unproven('directories are opened before they are believed')
  }
}

/** The same as a finding. */
export function visibilityCheck(facts: Facts, system: FileSystem): Check {
  const id = 'visibility'
  const { level, reason, advice } = visibilityOf(facts, system)
  const remark = remarkOf(facts.mount?.options ?? [], system)
  const summary = remark === undefined ? reason : `${reason}; ${remark.summary}`
  const grade = { exact: 'good', late: 'weak', unproven: 'note' } as const
  return {
    id,
    grade: level === 'exact' && remark !== undefined ? remark.grade : grade[level],
    summary,
    advice: [advice, remark?.advice].filter((text) => text !== undefined).join(' ') || undefined,
  }
}

function nfsVisibility(options: readonly string[], version: string | undefined): Visibility {
  const cached = cachingOf(options)
  if (options.includes('nocto')) {
    return {
      level: 'late',
      reason: `nocto keeps this host from asking whether a directory has changed${cached}`,
      advice: 'Mount without nocto.',
    }
  }
  if (options.includes('softreval')) {
    const cause = options.includes('softerr') ? 'softerr brings softreval, which' : 'softreval'
    return {
      level: 'late',
      reason: `while the server is away, ${cause} lets this host go by what it remembers${cached}`,
      advice: 'Mount hard, the default.',
    }
  }
  if (version === undefined) return unproven('the version of NFS is not known')
  if (!version.startsWith('4') && optionOf(options, 'lookupcache') !== 'none') {
    return {
      level: 'late',
      reason:
        `NFS ${version} tells changes by time stamps: of two within some milliseconds one may ` +
        `stay unseen${cached}`,
      advice:
        'Mount with lookupcache=none (mountOptions of the PersistentVolume or StorageClass), or ' +
        'with nfsvers=4.1 or newer where the server has it.',
    }
  }
  const how = version.startsWith('4')
    ? 'opening a directory asks the server for changes'
    : 'lookupcache=none has every name asked for'
  return { level: 'exact', reason: `NFS ${version}: ${how}${cached}` }
}

/** What is said of caches, if it is not the default. */
function cachingOf(options: readonly string[]): string {
  const lookup = optionOf(options, 'lookupcache')
  const ages = ['acregmin', 'acregmax', 'acdirmin', 'acdirmax'].flatMap((name) => {
    const seconds = optionOf(options, name)
    return seconds === undefined ? [] : [`${name}=${seconds}`]
  })
  const words = options.includes('noac') ? ['noac'] : ages
  if (lookup !== undefined) words.unshift(`lookupcache=${lookup}`)
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

function remarkOf(
  options: readonly string[],
  { family }: FileSystem,
): Pick<Check, 'grade' | 'summary' | 'advice'> | undefined {
  if (family !== 'nfs') return undefined
  const soft = ['soft', 'softerr'].find((option) => options.includes(option))
  if (soft !== undefined) {
    return {
      grade: 'note',
      summary: `${soft}: while the server is away, calls fail with UNAVAILABLE or IO`,
      advice: 'Mount hard, the default, unless your program would rather retry itself.',
    }
  }
  const slow = ['noac', 'sync'].filter((option) => options.includes(option))
  if (slow.length === 0) return undefined
  const summary = `${slow.join(' and ')} ${slow.length === 1 ? 'is' : 'are'} slow and not needed`
  return { grade: 'note', summary }
}

function unproven(reason: string): Visibility {
  return { level: 'unproven', reason: `${reason}; not tried with linkstore` }
}
