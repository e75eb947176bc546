import t from 'tap'
import type { Facts } from '../../lib/doctor/facts.js'
import { fileSystemOf } from '../../lib/doctor/file-system.js'
import { judge } from '../../lib/doctor/judgement.js'
import { mountOf, mountsBelow, parseMountTable } from '../../lib/format/mount-table.js'
import { CHECKS, PROMISES, type Report } from '../../lib/doctor/report.js'
import { factsOf, failed, found, SILENT, SKIPPED } from './sample-facts.js'
import { SAMPLES } from './sample-mounts.js'

const EXT4 = '21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,discard'
const NFS = '90 1 0:50 / /mnt/v rw,relatime - nfs4 10.8.0.2:/ rw,vers=4.2,hard'

/** All that a report says, in one text. */
function textOf({ checks, promises }: Report): string {
  const texts = checks.map(({ summary, advice = '' }) => `${summary} ${advice}`)
  return [...texts, ...promises.map(({ summary }) => summary)].join('\n')
}

function checkOf(report: Report, id: string): { grade: string; summary: string; advice?: string } {
  const { grade, summary, advice } = report.checks.find((check) => check.id === id)!
  return { grade, summary, ...(advice !== undefined && { advice }) }
}

for (const { name, line, family, verdict, promises, says } of SAMPLES) {
  await t.test(`what doctor says of ${name}`, async (t) => {
    const report = judge(factsOf(line))
    t.equal(report.fileSystem.family, family)
    t.equal(report.verdict, verdict)
    t.equal(report.promises.map((promise) => promise.verdict).join(' '), promises)
    if (says !== undefined) t.match(textOf(report), says)
    t.same(
      report.checks.map(({ id }) => id),
      CHECKS,
    )
    t.same(
      report.promises.map(({ id }) => id),
      PROMISES,
    )
  })
}

/** One fact that is otherwise than it should be, and what follows from it. */
const FAULTS: readonly [
  name: string,
  facts: Partial<Facts>,
  check: string,
  grade: string,
  says: RegExp,
  verdict: string,
][] = [
  ['there are no links', { link: failed('EPERM') }, 'hardLinks', 'bad', /there are none/, 'unfit'],
  [
    'a link takes the place of a file',
    { exclusion: found('replaced') },
    ...(['writeIfAbsent', 'bad', /two writers could both win/, 'unfit'] as const),
  ],
  [
    'files cannot be renamed',
    { rename: failed('EXDEV') },
    ...(['oneVolume', 'bad', /EXDEV/, 'unfit'] as const),
  ],
  [
    'there is another mount inside',
    { mountsBelow: ['/mnt/v/store/ab'] },
    ...(['oneVolume', 'bad', /^\/mnt\/v\/store\/ab is a mount/, 'unfit'] as const),
  ],
  [
    'shards are apart',
    { apart: found(['/mnt/v/store/ab', '/mnt/v/store/cd']) },
    ...(['oneVolume', 'bad', /ab and 1 more is a mount/, 'unfit'] as const),
  ],
  [
    'links run out',
    { linkCount: found({ names: 177, isLimit: true }) },
    ...(['hardLinks', 'note', /at most 177 names a file/, 'fit'] as const),
  ],
  [
    'files cannot be flushed',
    { fileFlush: failed('EIO') },
    ...(['flush', 'bad', /of a file: call says EIO/, 'unfit'] as const),
  ],
  [
    'directories cannot be flushed',
    { directoryFlush: failed('EINVAL') },
    ...(['flush', 'note', /directories not: call says EINVAL/, 'fit'] as const),
  ],
  [
    'flushing a directory fails',
    { directoryFlush: failed('EIO') },
    ...(['flush', 'bad', /of a directory: call says EIO/, 'unfit'] as const),
  ],
  [
    'one call hangs',
    { fileFlush: SILENT },
    ...(['response', 'weak', /no answer within 10 s \(fileFlush\)/, 'limited'] as const),
  ],
  [
    'the mount hangs',
    { place: SILENT },
    ...(['response', 'bad', /no answer within 10 s \(place\)/, 'unfit'] as const),
  ],
  [
    'the server has forgotten it',
    { place: failed('ESTALE') },
    ...(['response', 'bad', /says ESTALE/, 'unfit'] as const),
  ],
  [
    'it lies read-only and is no store',
    { access: found('read-only'), scratch: SKIPPED },
    ...(['access', 'bad', /no store can be made there/, 'unfit'] as const),
  ],
  [
    'a store lies read-only',
    {
      ...{ access: found('read-only'), scratch: SKIPPED },
      contents: found({ kind: 'store', format: 'envelope', marked: true }),
    },
    ...(['access', 'weak', /the store can be read, and nothing written/, 'limited'] as const),
  ],
  [
    'this user may not write',
    { access: found('forbidden'), scratch: SKIPPED },
    ...(['access', 'bad', /this user may not write; it is uid 1000/, 'unfit'] as const),
  ],
  [
    'nothing can be made after all',
    { scratch: failed('EACCES') },
    ...(['access', 'bad', /nothing can be made there: call says EACCES/, 'unfit'] as const),
  ],
  [
    'there are other files',
    { contents: found({ kind: 'other', example: 'notes.txt' }) },
    ...(['store', 'weak', /such as notes.txt/, 'limited'] as const),
  ],
  [
    'the marker is damaged',
    { contents: found({ kind: 'unreadable', reason: 'it is not JSON' }) },
    ...(['store', 'bad', /cannot be read: it is not JSON/, 'unfit'] as const),
  ],
  [
    'this host is behind',
    { clock: found({ offsetMs: 90_000, uncertaintyMs: 12 }) },
    ...(['clock', 'weak', /90.0 s behind the file system .*too late here/, 'limited'] as const),
  ],
  [
    'this host is ahead',
    { clock: found({ offsetMs: -3_600_000, uncertaintyMs: 12 }) },
    ...(['clock', 'weak', /60 minutes ahead of .*too early here/, 'limited'] as const),
  ],
  [
    'a slow answer hides a difference',
    { clock: found({ offsetMs: 3000, uncertaintyMs: 4000 }) },
    ...(['clock', 'good', /agree \(± 4.0 s\)/, 'fit'] as const),
  ],
  [
    'there is no room',
    { space: found({ type: 0, totalBytes: 1e9, freeBytes: 1e6, totalInodes: 0, freeInodes: 0 }) },
    ...(['space', 'weak', /1.0 MB of 1.0 GB free; no fixed number of files/, 'limited'] as const),
  ],
  [
    'there are no inodes',
    { space: found({ type: 0, totalBytes: 9, freeBytes: 9, totalInodes: 1e6, freeInodes: 9 }) },
    ...(['space', 'weak', /room for 9 files more \(less than 1 %/, 'limited'] as const),
  ],
  [
    'a crash has left something',
    {
      leftovers: found({
        ...{ files: 12, bytes: 3_400_000, abandonedFiles: 9, abandonedBytes: 3_000_000 },
        ...{ oldestAgeMs: 3 * 86_400_000, isComplete: true },
      }),
    },
    'leftovers',
    'note',
    /^12 private names, 3.4 MB, the oldest 3 days old; 9 \(3.0 MB\) by whoever has died$/,
    'fit',
  ],
  [
    'there is more than was counted',
    {
      leftovers: found({
        ...{ files: 20_000, bytes: 0, abandonedFiles: 0, abandonedBytes: 0 },
        ...{ oldestAgeMs: 5, isComplete: false },
      }),
    },
    ...(['leftovers', 'good', /^at least 20,000 private names/, 'fit'] as const),
  ],
  [
    'its own directory could not be removed',
    { cleanUp: failed('EIO') },
    ...(['leftovers', 'weak', /^\.tmp-0 and \.tmp-1 is left: call says EIO/, 'limited'] as const),
  ],
]

for (const [name, facts, check, grade, says, verdict] of FAULTS) {
  await t.test(`doctor tells when ${name}`, async (t) => {
    const report = judge(factsOf(NFS, facts))
    const { summary, ...rest } = checkOf(report, check)
    t.equal(rest.grade, grade, summary)
    t.match(summary, says)
    t.equal(report.verdict, verdict)
    const sound = judge(factsOf(NFS))
    t.notMatch(checkOf(sound, check).summary, says, 'and does not tell it otherwise')
    t.equal(sound.verdict, 'fit')
  })
}

await t.test('users of one group are told of set-gid', async (t) => {
  const modeOf = (mode: number): Partial<Facts> => ({
    place: found({ path: '/', uid: 0, gid: 2000, mode, mountId: undefined }),
  })
  const grades = [0o755, 0o775, 0o2775, 0o1777].map((mode) =>
    checkOf(judge(factsOf(NFS, modeOf(mode))), 'access'),
  )
  t.same(
    grades.map(({ grade }) => grade),
    ['good', 'note', 'good', 'good'],
  )
  t.match(grades[1]!.advice, /chmod g\+s.*fsGroup/)
  const forbidden = { ...modeOf(0o770), access: found('forbidden' as const), scratch: SKIPPED }
  const { summary, advice } = checkOf(judge(factsOf(NFS, forbidden)), 'access')
  t.match(summary, 'it is uid 1000, gid 1000, the directory 0:2000 mode 0770')
  t.match(advice, /runAsUser: 0, or with supplementalGroups: \[2000\].*which NFS does not/)
  const squashed = { scratch: failed('EACCES'), user: { uid: 0, gid: 0, groups: [] } }
  t.match(checkOf(judge(factsOf(NFS, squashed)), 'access').advice, /root_squash/)
  const full = { scratch: failed('EDQUOT') }
  t.match(checkOf(judge(factsOf(NFS, full)), 'access').advice, /quota/)
})

await t.test('what users with different ids do to each other is told', async (t) => {
  const cases = [
    [{ isProtected: true, attempt: undefined }, 'note', /fs.protected_hardlinks=1\)/],
    [{ isProtected: true, attempt: 'EPERM' }, 'note', /=1, as tried here\).*lose nothing/],
    [{ isProtected: true, attempt: 'linked' }, 'good', /may link .*, as tried here$/],
    [{ isProtected: false, attempt: undefined }, 'good', /may link what another one has written$/],
    [{ isProtected: undefined, attempt: undefined }, 'unknown', /does not say/],
  ] as const
  for (const [value, grade, says] of cases) {
    const check = checkOf(judge(factsOf(NFS, { otherUser: found(value) })), 'otherUsers')
    t.equal(check.grade, grade)
    t.match(check.summary, says)
  }
})

await t.test('without a list of mounts the number of the file system tells', async (t) => {
  const familyOf = (type: number): string => fileSystemOf(undefined, type).family
  t.same([0x6969, 0xef53, 0xff534d42, 0x01021994, 0x123].map(familyOf), [
    ...['nfs', 'local', 'smb', 'memory', 'unknown'],
  ])
  t.equal(fileSystemOf(undefined, undefined).family, 'unknown')
  const space = { type: 0x6969, totalBytes: 9, freeBytes: 9, totalInodes: 0, freeInodes: 0 }
  const report = judge(factsOf('', { space: found(space) }))
  t.equal(report.fileSystem.name, 'NFS')
  t.match(checkOf(report, 'visibility').summary, 'the version of NFS is not known')
})

await t.test('the mount of a path is the nearest one, and of several the last', async (t) => {
  const table = parseMountTable(
    [
      EXT4,
      '30 21 0:40 / /mnt rw - tmpfs tmpfs rw',
      '31 30 0:41 / /mnt/a\\040b\\134c\\011 rw,nosuid shared:5 - nfs4 h:/x\\040y rw,vers=4.2',
      '36 30 0:45 / /srv/deep/er rw - tmpfs none rw',
      '37 30 0:46 / /srv/deep rw - tmpfs none rw',
      '32 30 254:0 /data/pvc-1/sub /mnt/bind rw - ext4 /dev/sda1 rw,discard',
      '33 32 0:43 / /mnt/bind rw - overlay overlay rw',
      '34 33 0:44 / /mnt/bind/ab rw - tmpfs none rw',
      '35 33 0:44 / /mnt/binding rw - tmpfs none rw',
      'nonsense',
      '',
    ].join('\n'),
  )
  const pointOf = (path: string, id?: number): string | undefined =>
    mountOf(table, path, id)?.mountPoint
  t.equal(table.length, 9)
  t.equal(pointOf('/etc'), '/')
  t.equal(pointOf('/mnt'), '/mnt')
  t.equal(pointOf('/mntx'), '/')
  t.equal(pointOf('/srv/deep/er/x'), '/srv/deep/er', 'whatever their order')
  t.equal(pointOf('/mnt/a b\\c\t/d'), '/mnt/a b\\c\t')
  t.match(mountOf(table, '/mnt/a b\\c\t', undefined), {
    ...{ type: 'nfs4', source: 'h:/x y', root: '/' },
    options: ['rw', 'nosuid', 'vers=4.2'],
  })
  t.equal(mountOf(table, '/mnt/bind/x', undefined)?.type, 'overlay', 'the last one covers')
  t.match(mountOf(table, '/mnt/bind/x', 32), { type: 'ext4', root: '/data/pvc-1/sub' })
  t.equal(pointOf('/mnt/bind/x', 99), '/mnt/bind', 'a number that is not listed')
  t.same(mountsBelow(table, '/mnt/bind'), ['/mnt/bind/ab'])
  t.same(mountsBelow(table, '/mnt/bind/ab'), [])
  const bound = judge(factsOf('1 1 8:1 /data/pvc-1/sub /mnt/v rw - ext4 /dev/sda1 rw'))
  t.match(checkOf(bound, 'fileSystem').summary, 'on /mnt/v (its directory /data/pvc-1/sub)')
})
