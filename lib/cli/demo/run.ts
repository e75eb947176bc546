import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { open, type Store } from '../../../index.js'
import { audit, countPrivate } from './audit.js'
import { Crew } from './crew.js'
import { readJournal } from './journal.js'
import { HOT_KEYS } from './keys.js'
import { ledgerOf } from './ledger.js'
import { seal } from './look.js'
import { addTallies } from './messages.js'
import { collectSamples, type Sample } from './samples.js'
import type { Screen } from './screen.js'
import type { Evidence } from './verdict.js'
import type { View } from './view.js'

const REFRESH_MS = 100

/** How one run goes. */
export interface Script {
  /** A directory for this run alone. */
  readonly scratch: string
  readonly totalMs: number
  readonly processes: number
  /** Ends it early; it rejects then. */
  readonly signal: AbortSignal
}

/** One run of the demo, from the first write to the evidence for the verdict. */
export async function perform(script: Script, screen: Screen): Promise<Evidence> {
  const samples = await collectSamples()
  const directory = join(script.scratch, 'store')
  const store = await open(directory)
  await layOutHotKeys(store, samples)
  const crew = new Crew(script.scratch, script.processes)
  try {
    await crew.start()
    const viewOf = viewer(script, crew, directory, samples)
    const elapsedMs = await watch(script, crew, (ms) => screen.show(viewOf('working', ms)))
    script.signal.throwIfAborted()
    screen.show(viewOf('checking', elapsedMs))
    const ledger = ledgerOf(crew.members.map(({ journal }) => readJournal(journal)))
    const findings = await audit(store, ledger, script.signal)
    await store.close()
    screen.show(viewOf('checked', elapsedMs))
    return {
      elapsedMs,
      tally: addTallies(crew.members.map(({ tally }) => tally)),
      ledger,
      findings,
      privateNames: await countPrivate(directory),
      killed: crew.members.filter(({ state }) => state === 'killed').length,
      problems: crew.problems,
    }
  } finally {
    await crew.dismiss()
  }
}

async function layOutHotKeys(store: Store, samples: readonly Sample[]): Promise<void> {
  for (const [index, key] of HOT_KEYS.entries()) {
    const sample = samples[index % samples.length] as Sample
    await store.set(key, sample.bytes, { metadata: seal(key, sample) })
  }
}

/** Shows the crew at work until its time is over, or something went wrong; says how long it was. */
async function watch(
  { totalMs, processes, signal }: Script,
  crew: Crew,
  show: (elapsedMs: number) => void,
): Promise<number> {
  const startMs = performance.now()
  const elapsed = (): number => performance.now() - startMs
  let replacing: Promise<void> | undefined
  while (elapsed() < totalMs && crew.problems.length === 0) {
    show(elapsed())
    await sleep(Math.min(REFRESH_MS, Math.max(1, totalMs - elapsed())), undefined, { signal })
    if (elapsed() > totalMs / 2) replacing ??= crew.replace(processes - 1)
  }
  await replacing
  await crew.stop()
  show(elapsed())
  return elapsed()
}

function viewer(
  script: Script,
  crew: Crew,
  directory: string,
  samples: readonly Sample[],
): (phase: View['phase'], elapsedMs: number) => View {
  const sampleBytes = samples.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const { members } = crew
  return (phase, elapsedMs) => ({
    phase,
    elapsedMs,
    totalMs: script.totalMs,
    processes: script.processes,
    directory,
    sampleCount: samples.length,
    sampleBytes,
    members,
  })
}
