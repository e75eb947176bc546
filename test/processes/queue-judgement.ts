/** Whether what several processes did with a queue, some of them killed, keeps its promises. */
import { readFileSync } from 'node:fs'

/** What a worker writes down: before its work, before and after it acknowledges the job. */
export type QueueStep = 'began' | 'asked' | 'acknowledged' | 'lost'

/** A line of a journal. */
export type QueueLine = readonly [step: QueueStep, id: string, body: string]

/** What became of all the jobs. */
export interface QueueVerdict {
  /** What must not be. */
  readonly problems: readonly string[]
  /** Jobs with an acknowledgement that was answered. */
  readonly acknowledged: number
  /**
   * Jobs that were never seen to be acknowledged, but whose worker was killed between asking for
   * that and writing down the answer.
   */
  readonly unheard: number
  /** Attempts beyond the first. */
  readonly repeated: number
  /** Acknowledgements that came too late, and were refused. */
  readonly refused: number
}

/** Reads a journal. What follows the last end of line was not finished. */
export function readQueueJournal(path: string): QueueLine[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as QueueLine)
}

/**
 * Judges what was done with jobs, of all of which the queue knows nothing any more.
 *
 * @param pushed - their ids and bodies
 * @param journals - one for each process, killed ones included: its lines in order
 */
export function judgeQueue(
  pushed: ReadonlyMap<string, string>,
  journals: readonly (readonly QueueLine[])[],
): QueueVerdict {
  const counts = new Map([...pushed.keys()].map((id) => [id, { began: 0, acks: 0, unheard: 0 }]))
  const problems: string[] = []
  let refused = 0
  for (const lines of journals) {
    const asking = new Set<string>()
    for (const [step, id, body] of lines) {
      const count = counts.get(id)
      if (count === undefined) problems.push(`${id} was never pushed`)
      else if (step === 'began') {
        count.began += 1
        if (pushed.get(id) !== body) problems.push(`${id} has another body: ${body}`)
      } else if (step === 'asked') asking.add(id)
      else {
        asking.delete(id)
        if (step === 'acknowledged') count.acks += 1
        else refused += 1
      }
    }
    for (const id of asking) counts.get(id)!.unheard += 1
  }
  for (const [id, { acks, unheard }] of counts) {
    if (acks > 1) problems.push(`${id} was acknowledged ${acks} times`)
    if (acks === 0 && unheard === 0) problems.push(`${id} was lost`)
  }
  const all = [...counts.values()]
  return {
    problems,
    acknowledged: all.filter(({ acks }) => acks === 1).length,
    unheard: all.filter(({ acks, unheard }) => acks === 0 && unheard > 0).length,
    repeated: all.reduce((sum, { began }) => sum + Math.max(0, began - 1), 0),
    refused,
  }
}
