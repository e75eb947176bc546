import { resolve } from 'node:path'
import type { Command } from 'commander'
import { EXIT } from './failure.js'
import { askApart } from './health/isolation.js'
import type { Answer } from './health/messages.js'
import { parseDuration } from './option-values.js'
import { examples, EXISTING } from './options.js'
import { pathOf } from './place.js'
import { safeJson, safeText } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

interface Flags {
  readonly json?: boolean
  readonly timeout?: number
}

const TIMEOUT_MS = 2000

const HELP =
  `
Asks the store for something that is not there, which no memory of this host can answer, and changes
nothing. Exits with 0 if the store answers and with 1 if it does not, in the time that is given and
some seconds at the latest, even where calls to the file system hang: made for liveness probes.
` + examples('linkstore -d /mnt/shared/things health', 'linkstore health --timeout 5s --json')

/** `health`: says by its status whether a store answers. */
export function configure(command: Command, session: Session): void {
  command
    .option('--json', 'as one JSON object')
    .option('--timeout <duration>', 'how long the store may take; default: 2s', parseDuration)
    .addHelpText('after', HELP)
    .action(async ({ json = false, timeout: timeoutMs = TIMEOUT_MS }: Flags) => {
      const place = session.requireDirectory()
      const path = pathOf(place)
      const { tookMs, problem } =
        path === undefined
          ? await ask(session, place, timeoutMs)
          : await askApart(resolve(path), timeoutMs, session.signal)
      const isHealthy = problem === undefined
      session.status = isHealthy ? EXIT.done : EXIT.absent
      const words = isHealthy
        ? `healthy: it answered in ${Math.ceil(tookMs)} ms`
        : `not healthy: ${safeText(problem)}`
      const lines = new LineWriter(session.signal)
      await lines.line(json ? safeJson({ isHealthy, tookMs, problem }) : words)
      await lines.flush()
    })
}

/** What is no directory cannot hang in the file system, so it is asked from here. */
async function ask(session: Session, place: string, timeoutMs: number): Promise<Answer> {
  let answer: Answer | undefined
  await session.withStoreAt(place, EXISTING, async (store) => {
    const { tookMs, error } = await store.health({ timeoutMs })
    answer = { tookMs, problem: error?.message }
  })
  return answer ?? { tookMs: 0, problem: 'it could not be asked' }
}
