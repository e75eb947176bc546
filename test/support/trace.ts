/** What a process does to the file system, as strace sees it. */
import { readFileSync } from 'node:fs'

/** Calls that change or flush something, and `access`, by which a process marks its trace. */
const CALLS = [
  ...['open', 'openat', 'close', 'write', 'writev', 'pwrite64', 'pwritev'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'sync_file_range', 'ftruncate', 'truncate'],
  ...['link', 'linkat', 'unlink', 'unlinkat', 'rename', 'renameat', 'renameat2', 'symlink'],
  ...['mkdir', 'mkdirat', 'rmdir', 'chmod', 'fchmod', 'fchmodat', 'access', 'faccessat'],
]

const UNFINISHED = ' <unfinished ...>'

/** One call that a process made. */
export interface TracedCall {
  /** Its name without the variants: `open` for `openat`, `rename` for `renameat2`. */
  readonly name: string
  /** The files it is about, descriptors resolved to their paths. */
  readonly paths: readonly string[]
  /** Everything between its parentheses. */
  readonly text: string
  /** The name of its error; empty when it succeeded. */
  readonly error: string
}

/** The command that traces another one into a file. */
export function straceInto(path: string): string[] {
  return ['strace', '-f', '-y', '-qq', '-s', '0', '-e', `trace=${CALLS.join()}`, '-o', path]
}

/** Reads a trace: the calls of all threads in the order in which they began. */
export function readTrace(path: string): TracedCall[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  /** Where a thread's call that others have come between began. */
  const begun = new Map<string, number>()
  for (const [index, line] of lines.entries()) {
    const thread = /^\d+/.exec(line)?.[0] ?? ''
    const start = begun.get(thread)
    const rest = /<\.\.\. \w+ resumed>(.*)$/.exec(line)?.[1]
    if (line.endsWith(UNFINISHED)) begun.set(thread, index)
    else if (rest !== undefined && start !== undefined) {
      lines[start] = lines[start]!.replace(UNFINISHED, '') + rest
    }
  }
  return lines.flatMap((line) => {
    const [, name, text = '', result = ''] = /^\d+ +(\w+)\((.*)\) += (.*)$/.exec(line) ?? []
    return name === undefined ? [] : [callOf(name, text, result)]
  })
}

function callOf(name: string, text: string, result: string): TracedCall {
  const paths = [...text.matchAll(/(?<!AT_FDCWD)<(\/[^>]*)>|"(\/[^"]*)"/g)]
  return {
    name: name.replace(/at2?$|v$|64$/, '').replace(/^pwrite$/, 'write'),
    paths: paths.map(([, resolved, given]) => resolved ?? given ?? ''),
    text,
    error: /^-1 (E\w+)/.exec(result)?.[1] ?? '',
  }
}

/** The calls between the marks `/mark/<name>` and `/mark/end`, by name. */
export function slicesOf(calls: readonly TracedCall[]): ReadonlyMap<string, TracedCall[]> {
  const slices = new Map<string, TracedCall[]>()
  let slice: TracedCall[] = []
  for (const call of calls) {
    const mark = /^\/mark\/(.*)$/.exec(call.paths[0] ?? '')?.[1]
    if (mark === undefined) slice.push(call)
    else if (mark !== 'end') slices.set(mark, (slice = []))
    else slice = []
  }
  return slices
}
