/** What a process does to the file system, as strace sees it. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

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
  /** Its name as the kernel has it. */
  readonly systemCall: string
  /** The files it is about, descriptors resolved to their paths. */
  readonly paths: readonly string[]
  /** Everything between its parentheses. */
  readonly text: string
  /** The name of its error; empty when it succeeded. */
  readonly error: string
}

/** All calls about a path or a descriptor. */
export const ALL_CALLS: readonly string[] = ['%file', '%desc']

/** The command that traces another one into a file. */
export function straceInto(path: string, calls: readonly string[] = CALLS): string[] {
  return ['strace', '-f', '-y', '-qq', '-s', '0', '-e', `trace=${calls.join()}`, '-o', path]
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
    systemCall: name,
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

/**
 * What calls change and flush in one store, in words. Several writes one after the other count
 * as one.
 *
 * @param hash - of the key whose object is called so
 * @param targetHash - of another key
 */
export function stepsOf(
  calls: readonly TracedCall[],
  root: string,
  hash = '',
  targetHash = '',
): string[] {
  const labels = new Labels(root, hash, targetHash)
  const steps: string[] = []
  for (const call of calls) {
    const step = labels.stepOf(call)
    const isRepeated = step?.startsWith('write') === true && step === steps.at(-1)
    if (step !== undefined && !isRepeated) steps.push(step)
  }
  return steps
}

/** Gives the paths of one store names that are the same in every run. */
class Labels {
  readonly #names = new Map<string, string>()
  readonly #created = new Set<string>()
  readonly #root: string
  #privates = 0

  constructor(root: string, hash: string, targetHash: string) {
    this.#root = root
    this.#names.set(root, 'root').set(dirname(root), 'parent')
    this.#names.set(`${root}/linkstore.json`, 'marker').set(`${root}/.tmp`, '.tmp')
    for (const [prefix, digits] of [
      ['target ', targetHash],
      ['', hash],
    ] as const) {
      const [outer, inner] = [digits.slice(0, 2), digits.slice(2, 4)]
      this.#names.set(`${root}/${outer}`, `${prefix}outer`)
      this.#names.set(`${root}/${outer}/${inner}`, `${prefix}shard`)
      const object = prefix === '' ? 'object' : 'target'
      this.#names.set(`${root}/${outer}/${inner}/${digits.slice(4)}`, object)
    }
  }

  /** A call in words; undefined if it changes and flushes nothing. */
  stepOf({ name, paths, text, error }: TracedCall): string | undefined {
    const [path = ''] = paths
    if (!path.startsWith(this.#root) && path !== dirname(this.#root)) return undefined
    const failed = error === '' ? '' : `: ${error}`
    if (name === 'open') {
      if (!text.includes('O_CREAT')) return undefined
      this.#created.add(path)
      return `create ${this.#nameOf(path)}${failed}`
    }
    if (name === 'access' || (name === 'close' && !this.#created.has(path))) return undefined
    const mode = /^f?chmod$/.test(name) ? ` ${text.split(', ').at(-1) ?? ''}` : ''
    return `${name}${mode} ${paths.map((each) => this.#nameOf(each)).join(' to ')}${failed}`
  }

  #nameOf(path: string): string {
    const known = this.#names.get(path)
    if (known !== undefined) return known
    const isInstance = dirname(path) === `${this.#root}/.tmp`
    if (isInstance) return 'instance'
    const name = `private ${'abc'[this.#privates]!}`
    this.#privates += 1
    this.#names.set(path, name)
    return name
  }
}
