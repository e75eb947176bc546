#!/usr/bin/env node
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { buildProgram } from './program.js'
import { Session } from './session.js'

const session = new Session()

const status = await session.conclude(async () => {
  const words = process.argv.slice(2)
  requireUtf8(words)
  const program = await buildProgram(session, words)
  await program.parseAsync(words, { from: 'user' })
})
if (status !== 0) process.exitCode = status

/**
 * Node replaces what is not UTF-8 in the command line: another key or value than was meant would
 * be stored. Linux still has the bytes themselves.
 */
function requireUtf8(words: readonly string[]): void {
  if (!words.some((word) => word.includes('\ufffd')) || process.platform !== 'linux') return
  if (isUtf8(readFileSync('/proc/self/cmdline'))) return
  throw new TypeError('the command line is not UTF-8; give such a value with --file or as input')
}
