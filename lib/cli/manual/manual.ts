import type { Command } from 'commander'
import { MORE_STATUSES, STATUSES } from '../statuses.js'
import { ENVIRONMENT, FILES, SEE_ALSO } from './facts.js'
import { display, filled, flagMacros, list, paragraphs, text, usageMacros, word } from './mdoc.js'

/** What of a manual is not in the program. */
export interface ManualHow {
  readonly version: string
  /** When it was released, such as `2026-11-21`. */
  readonly date: string
}

/** Options that are described once for all commands. */
const COMMON = ['--directory', '--help']

/** The manual, linkstore(1), made out of what the commands say of themselves. */
export function manualOf(program: Command, how: ManualHow): string {
  return [...linesOf(program, how)].join('\n') + '\n'
}

function* linesOf(program: Command, { version, date }: ManualHow): Generator<string> {
  yield `.Dd ${dateOf(date)}`
  yield '.Dt LINKSTORE 1'
  yield `.Os linkstore ${version}`
  yield '.Sh NAME'
  yield '.Nm linkstore'
  yield `.Nd ${text(lowered(program.description()))}`
  yield '.Sh SYNOPSIS'
  yield '.Nm linkstore'
  yield '.Op Fl d Ar dir'
  yield '.Ar command'
  yield '.Op Ar options'
  yield '.Op Ar arguments'
  yield '.Sh DESCRIPTION'
  yield 'The options of all commands:'
  yield* options(program, () => true)
  yield '.Sh COMMANDS'
  for (const command of visible(program)) yield* section(command, '')
  yield '.Sh ENVIRONMENT'
  yield* terms('Ev', ENVIRONMENT)
  yield '.Sh FILES'
  yield* terms('Pa', FILES)
  yield '.Sh EXIT STATUS'
  yield* terms('Li', [...STATUSES, ...MORE_STATUSES])
  yield '.Sh EXAMPLES'
  yield* examplesOf(afterText(program))
  yield '.Sh SEE ALSO'
  yield filled(SEE_ALSO)
}

/** A command, with those below it. */
function* section(command: Command, above: string): Generator<string> {
  const name = `${above}${command.name()}`
  const below = visible(command)
  yield `.Ss ${word(name)}`
  const usage = below.length > 0 ? '<command>' : command.usage()
  yield `.Nm linkstore Cm ${word(name)} ${usageMacros(usage)}`
  yield* paragraphs(`${capitalized(command.description())}.`)
  yield* options(command, (long) => !COMMON.includes(long))
  yield* paragraphs(afterText(command))
  for (const one of below) yield* section(one, `${name} `)
}

function visible(command: Command): Command[] {
  const all = command.createHelp().visibleCommands(command)
  return all.filter((one) => one.name() !== 'help')
}

function* options(command: Command, isWanted: (long: string) => boolean): Generator<string> {
  const help = command.createHelp()
  const wanted = help.visibleOptions(command).filter(({ long }) => isWanted(long ?? ''))
  if (wanted.length === 0) return
  yield* list(wanted.map((one) => [flagMacros(one.flags), help.optionDescription(one)]))
}

function* terms(macro: string, all: Iterable<readonly [string, string]>): Generator<string> {
  yield* list([...all].map(([term, meaning]) => [`${macro} ${word(term)}`, meaning] as const))
}

/** What the help of a command says behind its options. */
function afterText(command: Command): string {
  let help = ''
  const before = command.configureOutput()
  command.configureOutput({ writeOut: (piece) => (help += piece) })
  command.outputHelp()
  command.configureOutput(before)
  return help.slice(command.helpInformation().length)
}

function* examplesOf(after: string): Generator<string> {
  const [, lines = ''] = /^Examples:\n((?: {2}.*\n)+)/m.exec(after) ?? []
  yield* display(lines.trim().split(/\n */))
}

function dateOf(date: string): string {
  const options = { month: 'long', day: 'numeric', year: 'numeric', timeZone: 'UTC' } as const
  return new Date(date).toLocaleDateString('en-US', options)
}

/** A sentence as the rest of a line. */
function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '')
}

function capitalized(phrase: string): string {
  return phrase.charAt(0).toUpperCase() + phrase.slice(1)
}
