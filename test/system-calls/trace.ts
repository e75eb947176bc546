/** What each verb asks of the kernel, by strace. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nameOf, Places } from '../injection/calls.js'
import { plain } from '../support/plain.js'
import { ALL_CALLS, readTrace, slicesOf, straceInto, type TracedCall } from '../support/trace.js'
import { inScratch } from './scratch.js'

const TIMEOUT_MS = 120_000

/** Told exactly: whether a value and its footer go in one call, and how a directory is read. */
const EXACT_NAMES: Readonly<Record<string, string>> = { writev: 'writev', getdents64: 'getdents' }

/** The built worker, wherever this itself runs from. */
const here = import.meta.url.endsWith('.ts') ? '../../dist/test/system-calls/' : './'
const WORKER = fileURLToPath(new URL(`${here}worker.js`, import.meta.url))

/** Does every verb through a face; gives the calls that each made, by its title. */
export function traceVerbs(face: 'sync' | 'async'): Promise<Map<string, string[]>> {
  return inScratch(async (scratch) => {
    const tracePath = `${scratch}/trace`
    const command = [...straceInto(tracePath, ALL_CALLS), process.execPath, WORKER, scratch, face]
    await promisify(execFile)(...plain(command), {
      // Every file-system call visible to strace.
      env: { PATH: process.env['PATH'], UV_USE_IO_URING: '0' },
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    const slices = [...slicesOf(readTrace(tracePath))]
    return new Map(slices.map(([title, calls]) => [title, wordsOf(calls, scratch)]))
  })
}

/** The calls on paths and descriptors of a store in `<scratch>/store`, in words. */
function wordsOf(calls: readonly TracedCall[], scratch: string): string[] {
  const places = new Places(scratch)
  return calls.flatMap(({ systemCall, paths, text, error }) => {
    const own = paths.filter((path) => path === scratch || path.startsWith(`${scratch}/store`))
    if (own.length === 0) return []
    const named = own.map((path) => places.nameOf(path)).join(' → ')
    const name = EXACT_NAMES[systemCall] ?? nameOf(systemCall, text)
    return [`${name} ${named}${error === '' ? '' : `: ${error}`}`]
  })
}
