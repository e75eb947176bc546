/** A row of the table, and how calls are written in it. */

/** What one verb costs on a local file system. */
export interface Row {
  readonly verb: string
  /** Its system calls in words, in the order in which the synchronous face makes them. */
  readonly calls: string
  /** Those of the asynchronous face, where it does not make the same, in whatever order. */
  readonly asynchronous?: string
  /** The functions of `node:fs` that the asynchronous face waits for, one after the other. */
  readonly awaited: string
  /** Those whose end it does not wait for. */
  readonly later: string
}

/** Calls as a list: `open a, 2 read a`. */
export function textOf(calls: readonly string[]): string {
  const runs: [call: string, count: number][] = []
  for (const call of calls) {
    const last = runs.at(-1)
    if (last?.[0] === call) last[1] += 1
    else runs.push([call, 1])
  }
  return runs.map(([call, count]) => (count === 1 ? call : `${count} ${call}`)).join(', ')
}

/** The calls of a list, which may go over several lines. */
export function callsIn(text: string): string[] {
  const parts = text.trim().split(/,\s+/)
  return parts.flatMap((part) => {
    const [, count = '1', call = ''] = /^(?:(\d+) )?(.*)$/.exec(part) ?? []
    return call === '' ? [] : Array.from({ length: Number(count) }, () => call)
  })
}
