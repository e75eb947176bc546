import { isLocal } from '../protocol/file-systems.js'
import type { Mount } from '../format/mount-table.js'

/** Kinds of file systems, by what a store can rely on there. */
export type Family =
  /** On a disk of this machine. */
  | 'local'
  /** In memory. */
  | 'memory'
  /** The writable layer of a container. */
  | 'overlay'
  | 'nfs'
  | 'ceph'
  | 'gluster'
  /** Other file systems that several machines share. */
  | 'shared'
  /** What the host of a virtual machine or container lends it. */
  | 'lent'
  | 'smb'
  /** A bucket of an object storage. */
  | 'object'
  /** FAT and its like. */
  | 'fat'
  | 'unknown'

/** A file system, named for people. */
export interface FileSystem {
  readonly family: Family
  /** Such as `ext4`, `NFS 4.2` or `gcsfuse`. */
  readonly name: string
  /** The version of NFS: 3, 4, 4.1 or 4.2. */
  readonly nfsVersion: string | undefined
  /** The service behind it, where its address tells. */
  readonly service: Service | undefined
}

/** A service, and how many names it lets a file have. */
export interface Service {
  readonly name: string
  readonly maxLinks: number | undefined
}

const FAMILIES: readonly [type: RegExp, family: Family][] = [
  [/^nfs4?$/, 'nfs'],
  [/^(ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|jfs|reiserfs|fuse\.(zfs|xfs))$/, 'local'],
  [/^(tmpfs|ramfs|rootfs)$/, 'memory'],
  [/^(overlay|overlayfs|aufs|fuse\.fuse-overlayfs|fuse-overlayfs)$/, 'overlay'],
  [/^(ceph|fuse\.ceph(-fuse)?)$/, 'ceph'],
  [/^(fuse\.)?glusterfs$/, 'gluster'],
  [/^(cifs|smb[23]?|smbfs|fuse\.(smbnetfs|cifs))$/, 'smb'],
  [/^(vfat|msdos|exfat|fuse\.exfat)$/, 'fat'],
  [/^(9p|virtiofs|vboxsf|prl_fs|fakeowner|fuse\.(grpcfuse|osxfs|vmhgfs-fuse))$/, 'lent'],
  [/^(lustre|gpfs|beegfs|wekafs|gfs2?|ocfs2|pvfs2|orangefs|panfs|quobyte)$/, 'shared'],
  [/^fuse\.(juicefs|mfs|moosefs|lizardfs|saunafs|objectivefs|curvefs|quobyte.*)$/, 'shared'],
]

/** Programs that show a bucket as a directory, by their names. */
const BUCKETS =
  /^(gcsfuse|s3fs|blobfuse2?|goofys|geesefs|mountpoint-s3|mount-s3|rclone|s3ql|yas3fs|riofs|ossfs2?|cosfs|obsfs|tosfs|alluxio-fuse|ociofs|jindo-fuse|jindofs-fuse)$/

/** Numbers of statfs(2), where there is no list of mounts. */
const FAMILY_BY_NUMBER: ReadonlyMap<number, [family: Family, name: string]> = new Map([
  [0x6969, ['nfs', 'NFS']],
  [0xff534d42, ['smb', 'cifs']],
  [0xfe534d42, ['smb', 'smb2']],
  [0x517b, ['smb', 'smbfs']],
  [0x00c36400, ['ceph', 'ceph']],
  [0x01021994, ['memory', 'tmpfs']],
  [0x858458f6, ['memory', 'ramfs']],
  [0x794c7630, ['overlay', 'overlay']],
  [0x4d44, ['fat', 'vfat']],
  [0x2011bab0, ['fat', 'exfat']],
  [0x01021997, ['lent', '9p']],
])

const SERVICES: readonly [source: RegExp, service: Service][] = [
  [/^fs-[0-9a-f]+\.efs\.|\.efs\.[a-z0-9-]+\.amazonaws\./, { name: 'Amazon EFS', maxLinks: 177 }],
  [/^fs-[0-9a-f]+:/, { name: 'Amazon EFS', maxLinks: 177 }],
  [/\.file\.core\.(windows|chinacloudapi|usgovcloudapi)\./, named('Azure Files')],
  [/\.nas\.aliyuncs\.com/, { name: 'Alibaba Cloud NAS', maxLinks: 511 }],
  [/sfs-?turbo/i, { name: 'Huawei SFS Turbo', maxLinks: 255 }],
  [/\.fsx\.[a-z0-9-]+\.amazonaws\./, named('Amazon FSx')],
  [/^[\d.]+:\/pvc-[0-9a-f]{8}-[0-9a-f-]{27}$/, named('Longhorn, by the looks of it')],
]

/** Says what kind of file system a directory is on. */
export function fileSystemOf(mount: Mount | undefined, type: number | undefined): FileSystem {
  if (mount === undefined) return byNumber(type)
  const bucket = bucketOf(mount)
  if (bucket !== undefined) return plain('object', bucket)
  const [, family = 'unknown'] = FAMILIES.find(([pattern]) => pattern.test(mount.type)) ?? []
  if (family !== 'nfs') return plain(family, mount.type.replace(/^fuse\./, '') || mount.type)
  const version = optionOf(mount.options, 'vers') ?? (mount.type === 'nfs4' ? '4' : undefined)
  const nfsVersion = version === '4' ? '4.0' : version
  return {
    family,
    name: nfsVersion === undefined ? 'NFS' : `NFS ${nfsVersion}`,
    nfsVersion,
    service: SERVICES.find(([pattern]) => pattern.test(mount.source))?.[1],
  }
}

/** Why a store must not be there, whatever the probes say; undefined where it may. */
export function refusalOf({ family, name }: FileSystem): string | undefined {
  switch (family) {
    case 'object':
      return (
        `${name} shows a bucket of an object storage as a directory. It has no hard links or no ` +
        'atomic rename, and others see a file only some time after it was closed, so values ' +
        'would be lost'
      )
    case 'smb':
      return (
        `SMB (${name}) clients cache what other hosts change, most servers have no hard links, ` +
        'and a file that is open cannot be replaced everywhere, so values would be lost or stale'
      )
    default:
      return undefined
  }
}

/** The value of a mount option such as `vers=4.2`. */
export function optionOf(options: readonly string[], name: string): string | undefined {
  return options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** By the kind of FUSE mount or, as some name none, by what is mounted. */
function bucketOf({ type, source }: Mount): string | undefined {
  if (!type.startsWith('fuse')) return undefined
  const names = [type.replace(/^fuse\.?/, ''), source.split(/[:#/]/)[0] ?? '']
  return names.find((name) => BUCKETS.test(name))
}

function byNumber(type: number | undefined): FileSystem {
  if (type === undefined) return plain('unknown', 'unknown')
  const [family, name] = FAMILY_BY_NUMBER.get(type) ?? []
  if (family !== undefined && name !== undefined) return plain(family, name)
  return plain(isLocal(type) ? 'local' : 'unknown', `type 0x${type.toString(16)}`)
}

function plain(family: Family, name: string): FileSystem {
  return { family, name, nfsVersion: undefined, service: undefined }
}

function named(name: string): Service {
  return { name, maxLinks: undefined }
}
