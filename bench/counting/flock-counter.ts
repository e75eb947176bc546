/** Counting under flock(2), by a small C program that is compiled when it is needed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { compiled } from '../compiler.js'
import { valueOf, type Counter } from './counter.js'

/** What it promises; `flock-counter.c` says how. */
export type FlockMode = 'none' | 'file' | 'full'

/** Compiles the program into a directory unless it is there, and gives its path. */
export async function flockProgram(directory: string): Promise<string> {
  return await compiled('flock-counter', directory)
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
