/**
 * File systems whose names every process of this machine sees alike at once, by the `type` that
 * `statfs` gives on Linux (linux/magic.h, and the file systems' own headers). On anything else a
 * directory is revalidated before it is believed.
 */
const LOCAL_TYPES: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'], // ext2 and ext3 too
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0xca451a4e, 'bcachefs'],
  [0x3153464a, 'jfs'],
  [0x52654973, 'reiserfs'],
  [0x794c7630, 'overlayfs'],
])

const NFS_TYPE = 0x6969

/** Whether a file system is known to be local, and so needs no revalidation. */
export function isLocal(type: number): boolean {
  return LOCAL_TYPES.has(type)
}

/** Whether it is NFS, whose server has committed a name before it says that it is there. */
export function isNfs(type: number): boolean {
  return type === NFS_TYPE
}
