import { existsSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dir } from 'tmp-promise'
import { Lane, type Setting } from './lane.js'
import { measure, type Measured, type Selection } from './matrix.js'
import type { Verb } from './verbs.js'

/** A verb that is to be measured. */
export interface Errand {
  readonly verb: Verb
  readonly setting: Setting
  readonly selection: Selection
}

/**
 * Measures verbs, several at a time; gives the results in order.
 *
 * @param onVerb - told of each when it is done
 */
export async function survey(
  errands: readonly Errand[],
  onVerb: (errand: Errand, measured: Measured) => void = () => undefined,
): Promise<Measured[]> {
  const results: Measured[] = []
  const queue = [...errands.entries()]
  const work = async (): Promise<void> => {
    // In memory where there is some to be had: what is flushed there costs nothing.
    const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    const scratch = await dir({ tmpdir: parent, prefix: 'linkstore-test', unsafeCleanup: true })
    const lane = new Lane(scratch.path)
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, errand] = next
        const measured = await measure(lane, errand.verb, errand.setting, errand.selection)
        results[index] = measured
        onVerb(errand, measured)
      }
    } finally {
      queue.length = 0
      await lane.end()
      await scratch.cleanup()
    }
  }
  const lanes = Math.min(availableParallelism(), 4, errands.length)
  const ends = await Promise.allSettled(Array.from({ length: lanes }, work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return results
}
