/** The process that probes: it reports to the one that started it. */
import { gather } from '../../doctor/index.js'
import { ABORT, type Message } from './messages.js'

const [, , directory = '', timeoutMs = ''] = process.argv
const abort = new AbortController()

// The one that started it gets these signals too, and says when to stop.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined)
process.on('message', (message) => {
  if (message === ABORT) abort.abort()
})
// It is gone: nobody wants the report, but what was made must be removed.
process.on('disconnect', () => abort.abort())

await tell(await messageOf())
if (process.connected) process.disconnect()

async function messageOf(): Promise<Message> {
  const { signal } = abort
  const onProbe = (label: string): void => void tell({ kind: 'probe', label })
  try {
    const facts = await gather(directory, { timeoutMs: Number(timeoutMs), signal, onProbe })
    return { kind: 'facts', facts }
  } catch (error) {
    const problem = error === signal.reason ? undefined : (error as Error).message
    return { kind: 'aborted', problem }
  }
}

/** Resolves when it is on its way. Its reader may just have gone. */
function tell(message: Message): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
    else resolve()
  })
}
