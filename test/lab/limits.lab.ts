import t, { type Test } from 'tap'
import { makeDisk, type DiskOptions } from './disk.js'
import { runGuest, worker } from './guest.js'
import { IS_SHORT } from './selection.js'

const DIRECTORY = '/run/disk'
const TIMEOUT_MS = 300_000
const UID = 1000

/** A file system and what is done to it before it is used. */
interface Limited {
  readonly name: string
  readonly disk: DiskOptions
  readonly mountOptions?: string
  readonly prepare?: string
  /** The user whom it is filled by; default root. */
  readonly uid?: number
  readonly isShort?: boolean
}

const FULL: readonly Limited[] = [
  { name: 'a full ext4', disk: { fileSystem: 'ext4', sizeMiB: 64 }, isShort: true },
  {
    name: 'an ext4 without inodes',
    disk: { fileSystem: 'ext4', makeOptions: ['-N', '300'] },
    isShort: true,
  },
  { name: 'a full XFS', disk: { fileSystem: 'xfs', sizeMiB: 320 } },
  { name: 'a full btrfs', disk: { fileSystem: 'btrfs', sizeMiB: 128 } },
  {
    name: 'a full btrfs with values and names in the same blocks',
    disk: { fileSystem: 'btrfs', sizeMiB: 128, makeOptions: ['--mixed'] },
  },
  {
    name: 'an XFS at the quota of a user',
    disk: { fileSystem: 'xfs' },
    mountOptions: 'uquota',
    prepare: `xfs_quota -x -c 'limit -u bhard=40m ${UID}' ${DIRECTORY}
      chown ${UID} ${DIRECTORY}; chmod a+rw $LAB_RESULTS; chmod a+x $LAB_WORK`,
    uid: UID,
  },
]

interface Linked extends Limited {
  /** The names that one file can have, in one directory and its own. */
  readonly links: number
  /** How many handles are opened at once, and whether each finds a name left to be had. */
  readonly readers: number
  readonly areAllLinked: boolean
}

const LINKED: readonly Linked[] = [
  {
    name: 'ext4',
    disk: { fileSystem: 'ext4' },
    ...{ links: 65_000, readers: 100, areAllLinked: true },
  },
  {
    name: 'btrfs',
    disk: { fileSystem: 'btrfs' },
    ...{ links: 65_535, readers: 100, areAllLinked: true },
  },
  {
    // What one directory can hold of one file is then what fits into a block of 16 KiB.
    name: 'a btrfs without extended references',
    disk: { fileSystem: 'btrfs', makeOptions: ['-O', '^extref'] },
    ...{ links: 1241, readers: 1500, areAllLinked: false },
    isShort: true,
  },
]

async function runOn(t: Test, limited: Limited, command: string): Promise<unknown[]> {
  const { disk, mountOptions = 'defaults', prepare = '' } = limited
  const mount = `ulimit -n 8192; disk_mount /dev/ubda ${DIRECTORY} ${mountOptions}`
  const results = await runGuest(t, {
    disks: [makeDisk(t, disk)],
    script: [mount, prepare, command].join('\n'),
    timeoutMs: TIMEOUT_MS,
  })
  for (const result of results) t.comment(JSON.stringify(result))
  return results
}

const isWanted = ({ isShort = false }: Limited): boolean => isShort || !IS_SHORT

for (const limited of FULL.filter(isWanted)) {
  await t.test(`on ${limited.name} values stay, and go to make room`, async (t) => {
    const { uid } = limited
    const values = uid === undefined ? [] : [uid]
    const command = worker('lab/limits-space-worker.js', DIRECTORY, ...values)
    const [full, roomy] = await runOn(t, limited, command)
    const { objects } = full as { objects: number }
    t.strictSame(full, {
      objects,
      writes: { set: 'NO_SPACE', add: 'NO_SPACE', copy: 'NO_SPACE', stream: 'NO_SPACE' },
      stranger: { wrong: [], delete: true },
      others: { wrong: [], has: true, count: objects - 1, findings: [], take: true, delete: true },
    })
    const writes = { set: true, add: true, copy: true, stream: true }
    t.strictSame(roomy, { undeleted: [], wrong: [], writes, findings: [] })
  })
}

for (const limited of LINKED.filter(isWanted)) {
  const { name, links, readers, areAllLinked } = limited
  await t.test(`on ${name} a file with all its ${links} names is read by plain open`, async (t) => {
    const command = worker('lab/limits-links-worker.js', DIRECTORY, readers)
    t.strictSame(await runOn(t, limited, command), [
      {
        pinned: { areAllLinked, isPinned: true },
        links,
        wrong: [],
        verbs: { has: true, add: false, copy: true, set: true, take: true, delete: true },
        isPinned: true,
      },
    ])
  })
}
