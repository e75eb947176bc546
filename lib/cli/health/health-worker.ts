/** The process that asks a store: health-worker DIRECTORY TIMEOUT_MS */
import { open } from '../../../index.js'
import type { Answer, Message } from './messages.js'

const [, , directory = '', timeoutMs = ''] = process.argv

tell({ kind: 'asking' })
tell({ kind: 'answer', ...(await ask()) }, () => process.disconnect())

async function ask(): Promise<Answer> {
  const startMs = performance.now()
  try {
    const store = await open(directory, { create: false, sweep: false })
    const { tookMs, error } = await store.health({ timeoutMs: Number(timeoutMs) })
    // Not awaited: it would wait for what hangs.
    void store.close()
    return { tookMs, problem: error?.message }
  } catch (error) {
    return { tookMs: performance.now() - startMs, problem: (error as Error).message }
  }
}

function tell(message: Message, done: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, done)
}
