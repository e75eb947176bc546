import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseDuration } from '../option-values.js'
import type { Candidate, KeysWanted } from './wanted.js'

const MAX_KEYS = 200
/** Longer than this few wait for a shell; LINKSTORE_COMPLETION_TIMEOUT says otherwise. */
const PATIENCE = '2s'
const GRACE_MS = 100

/**
 * Keys that begin with a text, cut behind the next slash as names of files are. If there are more
 * than can be found in time, one candidate that is none says so: else the shell would take what
 * the found ones have in common for the only way to go on.
 */
export async function keysBeginning(wanted: KeysWanted): Promise<Candidate[]> {
  const { prefix, before, directory = '' } = wanted
  if (directory === '') return []
  const found = new Set<string>()
  const isAll = await list(directory, prefix, (key) => {
    if (found.size === MAX_KEYS) return false
    const end = key.indexOf('/', prefix.length) + 1
    found.add(before + (end === 0 ? key : key.slice(0, end)))
    return true
  })
  const candidates = [...found].map((text) => ({ text, description: '' }))
  if (isAll || candidates.length === 0) return candidates
  return [...candidates, { text: `${before}${prefix}…`, description: 'and more' }]
}

/**
 * Lists keys in a process of its own, until `add` has enough or the time is over; says whether
 * these were all. A process cannot end while one of its calls hangs in the kernel, as calls do on
 * a mount whose server is gone; that one is then killed and left behind.
 */
async function list(
  directory: string,
  prefix: string,
  add: (key: string) => boolean,
): Promise<boolean> {
  const words = ['-d', directory, 'ls', '--', prefix]
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false)).once('close', (code) => resolve(code === 0))
  })
  const enough = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      // What is escaped no shell could be given.
      if (!line.includes('\\') && !add(line)) resolve(false)
    })
  })
  const isAll = await Promise.race([ended, enough, sleep(patienceMs(), false, { ref: false })])
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(isAll ? 0 : GRACE_MS)])
  child.kill('SIGKILL')
  child.stdout.destroy()
  child.unref()
  return isAll
}

function patienceMs(): number {
  return parseDuration(process.env['LINKSTORE_COMPLETION_TIMEOUT'] ?? PATIENCE)
}
