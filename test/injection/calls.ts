/** The system calls of a verb, in words that are the same in every run. */
import { dirname } from 'node:path'
import { hashKey } from '../../lib/key.js'
import type { TracedCall } from '../support/trace.js'
import { KEY, NEIGHBOUR, TARGET } from './verbs.js'

/** One system call of a verb. */
export interface Call {
  /** What it does, such as `link object → private a`. */
  readonly label: string
  /** Its name as the kernel has it. */
  readonly systemCall: string
  /** How many of the same name and on the same paths came before it, and itself. */
  readonly count: number
}

/** The calls of a verb. */
export interface CallList {
  readonly calls: readonly Call[]
  /** All files and directories that they are about: what strace is to look at. */
  readonly paths: readonly string[]
}

/** Different systems and releases of Node reach the same by different calls. */
const NAMES: readonly (readonly [systemCall: RegExp, name: string])[] = [
  [/^openat2?$/, 'open'],
  [/^getdents(64)?$/, 'readdir'],
  [/^p?readv?(64)?2?$/, 'read'],
  [/^p?writev?(64)?2?$/, 'write'],
  [/^renameat2?$/, 'rename'],
  [/^(link|unlink|mkdir|fchmod)at$/, '$1'],
  [/^faccessat2?$/, 'access'],
]

/** Picks the calls of a trace that are about a store in `<scratch>/store`. */
export function callsOf(trace: readonly TracedCall[], scratch: string): CallList {
  const places = new Places(scratch)
  const counts = new Map<string, number>()
  const calls: Call[] = []
  const paths = new Set<string>()
  for (const { systemCall, paths: all, text } of trace) {
    const own = all.filter((path) => path === scratch || path.startsWith(`${scratch}/`))
    if (own.length === 0) continue
    for (const path of own) paths.add(path)
    const count = (counts.get(systemCall) ?? 0) + 1
    counts.set(systemCall, count)
    const named = own.map((path) => places.nameOf(path)).join(' → ')
    const label = `${nameOf(systemCall, text)} ${named}`
    calls.push({ label, systemCall, count })
  }
  return { calls: numbered(calls), paths: [...paths] }
}

/** A name for a system call that is the same on different systems. */
export function nameOf(systemCall: string, text: string): string {
  if (/^(statx|newfstatat|fstatat64|l?stat|fstat)$/.test(systemCall)) {
    return text.includes('AT_EMPTY_PATH') || systemCall === 'fstat' ? 'fstat' : 'lstat'
  }
  if (/^unlinkat$/.test(systemCall) && text.includes('AT_REMOVEDIR')) return 'rmdir'
  const rule = NAMES.find(([pattern]) => pattern.test(systemCall))
  return rule === undefined ? systemCall : systemCall.replace(...rule)
}

/** Tells calls with the same words apart. */
function numbered(calls: readonly Call[]): Call[] {
  const seen = new Map<string, number>()
  return calls.map((call) => {
    const number = (seen.get(call.label) ?? 0) + 1
    seen.set(call.label, number)
    return number === 1 ? call : { ...call, label: `${call.label} (${number})` }
  })
}

/** Gives the paths of one store, in `<scratch>/store`, names that are the same in every run. */
export class Places {
  readonly #names = new Map<string, string>()
  readonly #root: string
  #privates = 0

  constructor(scratch: string) {
    this.#root = `${scratch}/store`
    this.#names.set(scratch, 'parent').set(this.#root, 'root')
    this.#names.set(`${this.#root}/linkstore.json`, 'marker')
    for (const [key, name] of [
      [TARGET, 'target'],
      [KEY, ''],
      [NEIGHBOUR, ''],
    ] as const) {
      const hash = hashKey(key)
      const outer = `${this.#root}/${hash.slice(0, 2)}`
      const object = key === NEIGHBOUR ? 'neighbour' : name === '' ? 'object' : name
      this.#names.set(outer, `${name} outer`.trim())
      this.#names.set(`${outer}/${hash.slice(2, 4)}`, `${name} shard`.trim())
      this.#names.set(`${outer}/${hash.slice(2, 4)}/${hash.slice(4)}`, object)
    }
  }

  /** The name of a path; private files are called a, b and so on as they are asked for. */
  nameOf(path: string): string {
    const known = this.#names.get(path)
    if (known !== undefined) return known
    const name = this.#newName(path)
    this.#names.set(path, name)
    return name
  }

  #newName(path: string): string {
    const parent = dirname(path)
    if (parent === `${this.#root}/.tmp`) return 'instance'
    if (dirname(parent) === `${this.#root}/.tmp`) {
      this.#privates += 1
      return `private ${'abcdefgh'[this.#privates - 1] ?? this.#privates}`
    }
    return path.slice(this.#root.length + 1).replace(/^\.tmp-.*/, 'private .tmp')
  }
}
