/** Whether what several processes did together, some of them killed, keeps its promises. */
import { existsSync, readFileSync } from 'node:fs'

/** A line of a journal: what was done, and the generation or token it was done with. */
export type Line = [
  step: 'began' | 'done' | 'holds' | 'lost',
  number: number,
  details?: Readonly<Record<string, string | number>>,
]

/** What the counter holds: how often each process has incremented it. */
export type Count = Record<string, number>

/** What the file holds that is changed by turns. */
export interface TurnsFile {
  readonly token: number
  readonly turns: number
}

/** Reads a journal. What follows the last end of line was not finished. */
export function readLines(path: string): Line[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
}

/** What became of the increments. */
export interface CountVerdict {
  readonly problems: readonly string[]
  readonly acknowledged: number
  /** Done by processes that did not live to hear it. */
  readonly unheard: number
}

/**
 * Judges a counter that nobody increments any more.
 *
 * @param journals - one for each process, killed ones included
 * @param generation - that of the cell at the end
 */
export function judgeCount(
  journals: ReadonlyMap<string, readonly Line[]>,
  counted: Count,
  generation: number,
): CountVerdict {
  const problems: string[] = []
  const generations = new Map<number, string>()
  let acknowledged = 0
  let unheard = 0
  for (const [name, lines] of journals) {
    const done = lines.filter(([step]) => step === 'done').map(([, number]) => number)
    const isPending = lines.length > 2 * done.length
    const surplus = (counted[name] ?? 0) - done.length
    if (surplus !== 0 && !(surplus === 1 && isPending)) {
      problems.push(`${name} was told of ${done.length} increments, ${counted[name]} were made`)
    }
    acknowledged += done.length
    unheard += surplus
    for (const [index, number] of done.entries()) {
      const other = generations.get(number)
      if (other !== undefined) problems.push(`${name} and ${other} both made ${number}`)
      if (index > 0 && number <= done[index - 1]!) problems.push(`${name} went back to ${number}`)
      generations.set(number, name)
    }
  }
  if (acknowledged + unheard !== generation) {
    problems.push(`${acknowledged} + ${unheard} increments, yet generation ${generation}`)
  }
  for (const name of Object.keys(counted)) {
    if (!journals.has(name)) problems.push(`nobody is called ${name}`)
  }
  return { problems, acknowledged, unheard }
}
