import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the modules of the guest's kernel lie, one directory for each version. */
export const MODULES_PATH = '/usr/lib/uml/modules'

/** Each program that the lab runs, and the Debian package that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'linux.uml': 'user-mode-linux',
  modprobe: 'kmod',
  'rpc.nfsd': 'nfs-kernel-server',
  'rpc.mountd': 'nfs-kernel-server',
  exportfs: 'nfs-kernel-server',
  'mount.nfs': 'nfs-common',
  rpcbind: 'rpcbind',
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  'mkfs.btrfs': 'btrfs-progs',
  dmsetup: 'dmsetup',
}

/** Beside the caller's own: not every user has these on the path. */
const SYSTEM_PATHS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** The path on which both the machine and the guest look for programs. */
export const SEARCH_PATH = [
  ...new Set([...(process.env['PATH'] ?? '').split(':'), ...SYSTEM_PATHS]),
].join(':')

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isInstalled(program: string): boolean {
  return SEARCH_PATH.split(':').some((directory) => isExecutable(join(directory, program)))
}

function hasModules(): boolean {
  try {
    return readdirSync(MODULES_PATH).length > 0
  } catch {
    return false
  }
}

/** What the lab needs and does not find, in one message; undefined when all is there. */
export function describeMissing(): string | undefined {
  const missing = Object.keys(PROGRAMS).filter((program) => !isInstalled(program))
  if (!hasModules() && !missing.includes('linux.uml')) missing.push(MODULES_PATH)
  const lines: string[] = []
  if (missing.length > 0) {
    const packages = [...new Set(Object.values(PROGRAMS))].sort().join(' ')
    lines.push(`The lab does not find ${missing.join(', ')}. On Debian:`)
    lines.push(`  apt-get install ${packages}`)
  }
  if (process.platform !== 'linux') lines.push('The lab runs on Linux only.')
  if (process.getuid?.() !== 0) lines.push('The lab must be run by root.')
  return lines.length === 0 ? undefined : lines.join('\n')
}

/** Throws, with what to install, unless all that the lab needs is there. */
export function checkRequirements(): void {
  const missing = describeMissing()
  if (missing !== undefined) throw new Error(missing)
}
