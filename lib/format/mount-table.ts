/** A mounted file system, as `/proc/self/mountinfo` describes it. */
export interface Mount {
  readonly id: number
  readonly mountPoint: string
  /** Which directory of the file system is mounted there; not `/` for bind mounts and subPath. */
  readonly root: string
  /** Such as `nfs4`, `ext4` or `fuse.gcsfuse`. */
  readonly type: string
  readonly source: string
  /** Those of the mount and those of the file system, each once. */
  readonly options: readonly string[]
}

/** Reads the text of `/proc/self/mountinfo` (proc(5)); what is no such line is left out. */
export function parseMountTable(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = splitOnce(line, ' - ')
    const [id = '', , , root, mountPoint, options = ''] = left.split(' ')
    const [type = '', source = '', superOptions = ''] = right.split(' ')
    if (root === undefined || mountPoint === undefined || type === '') return []
    const all = [...options.split(','), ...superOptions.split(',')].map(unescaped)
    return {
      id: Number(id),
      mountPoint: unescaped(mountPoint),
      root: unescaped(root),
      type: unescaped(type),
      source: unescaped(source),
      options: [...new Set(all)].filter((option) => option !== ''),
    }
  })
}

/**
 * The mount that a path is on: the one with this number, or else the one with the longest mount
 * point. Of several at one point the last covers the others.
 */
export function mountOf(
  table: readonly Mount[],
  path: string,
  id: number | undefined,
): Mount | undefined {
  const known = table.find((mount) => mount.id === id)
  if (known !== undefined) return known
  let found: Mount | undefined
  for (const mount of table) {
    const isNearer = mount.mountPoint.length >= (found?.mountPoint.length ?? 0)
    if (isNearer && isWithin(path, mount.mountPoint)) found = mount
  }
  return found
}

/** Mount points below a path. */
export function mountsBelow(table: readonly Mount[], path: string): string[] {
  const points = table.map(({ mountPoint }) => mountPoint)
  return [...new Set(points.filter((point) => point !== path && isWithin(point, path)))]
}

function isWithin(path: string, directory: string): boolean {
  const base = directory.endsWith('/') ? directory : `${directory}/`
  return path === directory || path.startsWith(base)
}

/** Spaces, tabs, line ends, backslashes and `#` stand there in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}
