import type { ObjectInfo } from '../../../index.js'
import type { Pen } from '../drawing.js'
import { counted, sizeAndTime, sized } from '../figures.js'
import { partsOf } from '../key-parts.js'
import { keyText, safeText } from '../safe-text.js'
import { sorted, type SortField } from './order.js'

/** How a tree is shown. */
export interface TreeHow {
  readonly long: boolean
  readonly sort: SortField
  readonly reverse: boolean
  readonly pen: Pen
}

/** A part of a key: a directory, an object, or both, as `a/` is beside `a/b`. */
class Part {
  /** With the separator at its end, so that the parts of a key, joined, are the key. */
  readonly key: string
  parts: Map<string, Part> | undefined
  objects = 0
  /** Of all that is in it. */
  sizeBytes = 0
  /** When the newest of it was written. */
  writtenAtMs = -Infinity
  contentType: string | undefined

  constructor(key: string) {
    this.key = key
  }

  get isDirectory(): boolean {
    return this.parts !== undefined
  }

  add({ sizeBytes, writtenAtMs }: ObjectInfo): void {
    this.objects += 1
    this.sizeBytes += sizeBytes
    this.writtenAtMs = Math.max(this.writtenAtMs, writtenAtMs)
  }

  /** The part of this name in it, made if it is not there. */
  within(name: string): Part {
    this.parts ??= new Map()
    const part = this.parts.get(name) ?? new Part(name)
    this.parts.set(name, part)
    return part
  }
}

/** Keys, cut at a separator and put together as a tree. */
export class KeyTree {
  readonly #separator: string
  readonly #root = new Part('')
  #directories = 0

  constructor(separator: string) {
    this.#separator = separator
  }

  add(info: ObjectInfo): void {
    let part = this.#root
    part.add(info)
    for (const name of partsOf(info.key, this.#separator)) {
      if (part !== this.#root && !part.isDirectory) this.#directories += 1
      part = part.within(name)
      part.add(info)
    }
    part.contentType = info.contentType
  }

  /** A line for each part, those of a directory below it. */
  *lines(how: TreeHow): Generator<string> {
    const all = [...drawn(this.#root, '', how)]
    const kinds = how.long ? all.map(({ part }) => kindOf(part)) : []
    const width = kinds.reduce((most, { length }) => Math.max(most, length), 0)
    for (const [index, { part, branches }] of all.entries()) {
      const name = branches + (part.key === '' ? '""' : keyText(part.key))
      yield how.long ? `${sizeAndTime(part)}  ${(kinds[index] ?? '').padEnd(width)}  ${name}` : name
    }
  }

  /** How much it all is. */
  summary(): string {
    const { objects, sizeBytes } = this.#root
    const directories = counted(this.#directories, 'directory', 'directories')
    return `${directories}, ${counted(objects, 'object')}, ${sized(sizeBytes)}`
  }
}

interface Drawn {
  readonly part: Part
  readonly branches: string
}

function* drawn(directory: Part, indent: string, how: TreeHow): Generator<Drawn> {
  const { last, other, belowLast, belowOther } = how.pen.branch
  const parts = sorted(
    [...(directory.parts ?? new Map<string, Part>()).values()],
    how.sort,
    how.reverse,
  )
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1
    yield { part, branches: indent + (isLast ? last : other) }
    if (part.isDirectory) yield* drawn(part, indent + (isLast ? belowLast : belowOther), how)
  }
}

function kindOf(part: Part): string {
  if (part.isDirectory) return counted(part.objects, 'object')
  return safeText(part.contentType ?? '-')
}
