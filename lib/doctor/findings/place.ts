import type { Facts } from '../facts.js'
import { refusalOf, type FileSystem } from '../file-system.js'
import { failedWith, valueOf, whyNot, type Outcome } from '../outcome.js'
import type { Check } from '../report.js'

const USE_INSTEAD =
  'Use a volume of a file service, ReadWriteMany: NFS 4.1 or newer (EFS, Filestore, Azure Files ' +
  'with protocol: nfs, Longhorn) or CephFS.'

/** Whether calls come back at all. */
export function responseCheck(facts: Facts): Check {
  const id = 'response'
  const outcomes = Object.entries(facts) as [string, Outcome<unknown>][]
  const silent = outcomes.filter(([, value]) => isOutcome(value) && value.kind === 'silent')
  const failed = [facts.place, facts.space].find(({ kind }) => kind === 'failed')
  if (failed !== undefined) return { id, grade: 'bad', summary: whyNot(failed) }
  const [first] = silent
  if (first === undefined) return { id, grade: 'good', summary: 'every call was answered in time' }
  const all = silent.map(([name]) => name).join(', ')
  const isDead = facts.place.kind === 'silent' || silent.length > 1
  return {
    id,
    grade: isDead ? 'bad' : 'weak',
    summary: `${whyNot(first[1])} (${all})`,
    advice:
      'The mount hangs, or its server is overloaded. Look at the server and at the kernel log of ' +
      'the node (dmesg: “nfs: server … not responding”); a restarted pod mounts it anew.',
  }
}

/** What is mounted there, and whether a store may be on it. */
export function fileSystemCheck(facts: Facts, system: FileSystem): Check {
  const id = 'fileSystem'
  const where = whereOf(facts, system)
  const refusal = refusalOf(system)
  if (refusal !== undefined) {
    return { id, grade: 'bad', summary: `${where}. ${refusal}`, advice: USE_INSTEAD }
  }
  switch (system.family) {
    case 'nfs':
      return { id, grade: 'good', summary: where }
    case 'ceph':
    case 'gluster':
    case 'shared':
      return { id, grade: 'note', summary: `${where}; shared, but not tried with linkstore` }
    case 'local':
    case 'memory':
      return {
        id,
        grade: 'note',
        summary: `${where}; only the processes of this machine share it`,
        advice: 'That is all right on one node. Pods on several nodes need a ReadWriteMany volume.',
      }
    case 'overlay':
      return {
        id,
        grade: 'weak',
        summary: `${where}; the container's own layer is shared with nobody and goes with it`,
        advice: 'Mount a volume, and put the store on it.',
      }
    case 'fat':
      return { id, grade: 'bad', summary: `${where}; it has no hard links` }
    default:
      return {
        id,
        grade: 'note',
        summary: `${where}; nothing is known of what other hosts see of it, and when`,
        advice: 'Ask whoever runs it whether link and rename are atomic and coherent among hosts.',
      }
  }
}

function whereOf({ mount }: Facts, { name, service }: FileSystem): string {
  const what = service === undefined ? name : `${name} (${service.name})`
  if (mount === undefined) return what
  const part = mount.root === '/' ? '' : ` (its directory ${mount.root})`
  return `${what}, ${mount.source} on ${mount.mountPoint}${part}`
}

/** Whether it is a store, or can become one. */
export function storeCheck({ contents, directory }: Facts): Check {
  const id = 'store'
  const found = valueOf(contents)
  switch (found?.kind) {
    case undefined:
      return { id, grade: 'unknown', summary: whyNot(contents) }
    case 'store': {
      const made = found.marked ? '' : ', as SOS makes them'
      return { id, grade: 'good', summary: `it is a store, format ${found.format}${made}` }
    }
    case 'empty':
      return { id, grade: 'good', summary: 'empty; the first write makes a store of it' }
    case 'other':
      return {
        id,
        grade: 'weak',
        summary: `it is no store, and has other files in it, such as ${found.example}`,
        advice: `A store needs a directory of its own, such as ${directory}/store.`,
      }
    case 'unreadable':
      return {
        id,
        grade: 'bad',
        summary: `its marker linkstore.json cannot be read: ${found.reason}`,
        advice: 'Restore the marker, or use a newer linkstore.',
      }
  }
}

/** Whether this user may write, and those who share the group. */
export function accessCheck(facts: Facts): Check {
  const id = 'access'
  const { access, scratch, contents } = facts
  const isStore = valueOf(contents)?.kind === 'store'
  const who = ownersOf(facts)
  if (scratch.kind === 'failed') {
    const summary = `nothing can be made there: ${scratch.message}; ${who}`
    return { id, grade: 'bad', summary, advice: accessAdvice(facts) }
  }
  switch (valueOf(access)) {
    case 'writable':
      return { id, ...sharing(facts), summary: `this user may write; ${who}` }
    case 'read-only': {
      const summary = isStore
        ? 'mounted read-only: the store can be read, and nothing written'
        : 'mounted read-only: no store can be made there'
      const advice = 'Look for readOnly: true at the volume or at its mount in the pod.'
      return { id, grade: isStore ? 'weak' : 'bad', summary, advice }
    }
    case 'forbidden': {
      const rest = isStore ? ': the store can only be read' : ''
      const summary = `this user may not write${rest}; ${who}`
      return { id, grade: isStore ? 'weak' : 'bad', summary, advice: accessAdvice(facts) }
    }
    case undefined:
      return { id, grade: 'unknown', summary: whyNot(access) }
  }
}

function ownersOf({ user, place }: Facts): string {
  const me = user === undefined ? 'unknown' : `uid ${user.uid}, gid ${user.gid}`
  const found = valueOf(place)
  if (found === undefined) return `it is ${me}`
  const mode = found.mode.toString(8).padStart(4, '0')
  return `it is ${me}, the directory ${found.uid}:${found.gid} mode ${mode}`
}

/** A group that shares a directory needs set-gid to stay one. */
function sharing({ place }: Facts): Pick<Check, 'grade' | 'advice'> {
  const { mode = 0 } = valueOf(place) ?? {}
  const isForGroup = (mode & 0o022) === 0o020
  const hasSetGid = (mode & 0o2000) !== 0
  if (!isForGroup || hasSetGid) return { grade: 'good' }
  return {
    grade: 'note',
    advice:
      'If several users share it through the group, set the set-gid bit (chmod g+s) and open the ' +
      'store with fileMode 0o660 and dirMode 0o2770. fsGroup of a pod sets the bit by itself.',
  }
}

function accessAdvice({ place, scratch, user }: Facts): string | undefined {
  if (failedWith(scratch, 'ENOSPC', 'EDQUOT')) return 'Free some space, inodes or quota.'
  if (scratch.kind === 'failed' && !failedWith(scratch, 'EACCES', 'EPERM')) return undefined
  const { gid = 0, uid = 0 } = valueOf(place) ?? {}
  if (user?.uid === 0) {
    return 'Servers often take root for nobody (root_squash): run the pod as another user.'
  }
  return (
    `Run the pod with runAsUser: ${uid}, or with supplementalGroups: [${gid}] if the group may ` +
    `write; fsGroup: ${gid} does the same where the volume supports it, which NFS does not.`
  )
}

function isOutcome(value: unknown): value is Outcome<unknown> {
  return typeof value === 'object' && value !== null && 'kind' in value
}
