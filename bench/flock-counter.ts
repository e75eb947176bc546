/** Counting under flock(2), by a small C program that is compiled when it is needed. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Unavailable, valueOf, type Counter } from './counter.js'

/** Compiled or not, this file is in the package. */
const PACKAGE_PATH = dirname(createRequire(import.meta.url).resolve('linkstore/package.json'))
const SOURCE_PATH = join(PACKAGE_PATH, 'bench/flock-counter.c')

/** What it promises; `flock-counter.c` says how. */
export type FlockMode = 'none' | 'file' | 'full'

/** Compiles the program into a directory unless it is there, and gives its path. */
export async function flockProgram(directory: string): Promise<string> {
  const path = join(directory, 'flock-counter')
  if (existsSync(path)) return path
  try {
    await promisify(execFile)('cc', ['-O2', '-o', path, SOURCE_PATH])
  } catch (error) {
    throw new Unavailable('there is no C compiler that makes the program', { cause: error })
  }
  return path
}

/** Counts in `counter` of a directory. */
export function flockCounter(program: string, directory: string, mode: FlockMode): Counter {
  const child = spawn(program, [directory, mode], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    addUntil: async (endMs) => {
      child.stdin.write(`${Math.round(endMs * 1e6)}\n`)
      const answer = await answers.next()
      if (answer.done === true) throw new Error('the program that counts under flock has died')
      return { added: Number(answer.value), failures: [] }
    },
    read: async () => valueOf(await readFile(join(directory, 'counter'))),
    close: async () => {
      child.stdin.end()
      await ended
    },
  }
}
