import type { Test } from 'tap'
import { makeDisk, type DiskFileSystem } from './disk.js'

const DISKS: readonly DiskFileSystem[] = ['ext4', 'xfs', 'btrfs']

/** The disks that {@link LOCAL_MOUNTS} mounts, in their order. */
export function makeLocalDisks(t: Test): string[] {
  return DISKS.map((fileSystem) => makeDisk(t, { fileSystem }))
}

/** The local file systems of the lab, and how each gets to be at `/run/NAME`; ext4 comes first. */
export const LOCAL_MOUNTS: Readonly<Record<string, string>> = {
  ext4: 'disk_mount /dev/ubda /run/ext4',
  XFS: 'disk_mount /dev/ubdb /run/XFS',
  btrfs: 'disk_mount /dev/ubdc /run/btrfs',
  tmpfs: 'mkdir /run/tmpfs; mount -t tmpfs tmpfs /run/tmpfs',
  overlayfs: `
    mkdir -p /run/overlayfs /run/ext4/lower /run/ext4/upper /run/ext4/work
    modprobe overlay
    mount -t overlay -o lowerdir=/run/ext4/lower,upperdir=/run/ext4/upper,workdir=/run/ext4/work \
      overlay /run/overlayfs`,
}
