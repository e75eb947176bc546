import { writeSync } from 'node:fs'
import type { Command, OutputConfiguration } from 'commander'
import { addStoreOptions } from './options.js'
import { safeText } from './safe-text.js'
import { writeStderr } from './stderr.js'

/** Adds a command below another, such as `get` below `cell`. */
export function addSubcommand(parent: Command, usage: string, summary: string): Command {
  const command = addStoreOptions(parent.command(usage).description(summary))
  return command.configureOutput(outputOf(command))
}

/** How commander speaks for a command. */
export function outputOf(command: Command): OutputConfiguration {
  const outputError = (text: string): void => complain(command, text)
  return { writeOut: print, writeErr: writeStderr, outputError }
}

/** Whoever asked for help and went away has seen enough. */
export function print(text: string): void {
  try {
    writeSync(1, text)
  } catch {
    // Nothing that could be done.
  }
}

/** Commander explains in several lines; one is enough. */
function complain(command: Command, text: string): void {
  const line = text
    .trim()
    .split('\n')
    .map((part) => part.replace(/^error: /, ''))
    .join(' ')
  const isPuzzling = /^(unknown|missing|too many|option) /.test(line)
  const advice = isPuzzling ? `; see ${fullName(command)} --help` : ''
  writeStderr(`linkstore: ${safeText(line.replace(/\.$/, ''))}${advice}\n`)
}

/** A command's name behind those it is below. */
function fullName(command: Command): string {
  const { parent } = command
  return parent === null ? command.name() : `${fullName(parent)} ${command.name()}`
}
