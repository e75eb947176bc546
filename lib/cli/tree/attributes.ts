/**
 * What an import keeps in the metadata of an object, beside the value:
 *
 * - `mode`: the permission bits, in octal, such as `644`
 * - `mtime`: seconds since 1970 with nine decimals
 * - `type`: `symlink` (the value is the target) or `directory` (an empty one; the key ends in a
 *   slash and the value is empty); a file has none
 */
export interface Attributes {
  readonly type: 'file' | 'symlink' | 'directory'
  readonly mode: number | undefined
  /** Seconds since 1970. */
  readonly mtimeSeconds: number | undefined
}

/** The numbers of a file that are kept. */
export interface FileNumbers {
  readonly mode: bigint
  readonly mtimeNs: bigint
}

const NS = 1_000_000_000n
/** Set-user-id and its like are not kept: whoever exports a store would hand out their rights. */
const PERMISSIONS = 0o777

export function encodeAttributes(
  type: Attributes['type'],
  { mode, mtimeNs }: FileNumbers,
): Record<string, string> {
  const mtime = encodeTime(mtimeNs)
  if (type === 'symlink') return { type, mtime }
  const bits = (Number(mode) & PERMISSIONS).toString(8).padStart(3, '0')
  return type === 'file' ? { mode: bits, mtime } : { type, mode: bits, mtime }
}

/** Reads the metadata of any object: what an import did not write is as good as absent. */
export function decodeAttributes(metadata: Readonly<Record<string, string>>): Attributes {
  const { type, mode = '', mtime = '' } = metadata
  const mtimeSeconds = /^-?\d{1,11}(\.\d{1,9})?$/.test(mtime) ? Number(mtime) : undefined
  return {
    type: type === 'symlink' || type === 'directory' ? type : 'file',
    mode: /^[0-7]{3,4}$/.test(mode) ? Number.parseInt(mode, 8) & PERMISSIONS : undefined,
    mtimeSeconds,
  }
}

/** Seconds with nine decimals, before 1970 with a minus sign. */
function encodeTime(timeNs: bigint): string {
  const sign = timeNs < 0n ? '-' : ''
  const absoluteNs = timeNs < 0n ? -timeNs : timeNs
  return `${sign}${absoluteNs / NS}.${String(absoluteNs % NS).padStart(9, '0')}`
}

/** The same the other way round; digits beyond the ninth are left out. */
export function decodeTime(text: string): bigint {
  const [, sign = '', seconds = '0', rest = ''] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text) ?? []
  const absoluteNs = BigInt(seconds) * NS + BigInt(rest.slice(0, 9).padEnd(9, '0'))
  return sign === '-' ? -absoluteNs : absoluteNs
}
