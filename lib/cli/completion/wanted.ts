import type { Argument, Command, Option } from 'commander'
import { expanded } from './bash-line.js'

/** A word that may stand there. */
export interface Candidate {
  readonly text: string
  readonly description: string
}

/** What may stand at a place of a command line. */
export type Wanted =
  | { readonly kind: 'files' | 'directories' }
  | { readonly kind: 'words'; readonly candidates: readonly Candidate[] }
  | KeysWanted

/** Keys of a store. */
export interface KeysWanted {
  readonly kind: 'keys'
  /** What they begin with. */
  readonly prefix: string
  /** What stands before them in their word, such as `--prefix=`. */
  readonly before: string
  /** The store; undefined where none is named. */
  readonly directory: string | undefined
}

type Kind = 'files' | 'directories' | 'keys'

/** What arguments and values of options stand for, by the names that they have in the help. */
const KINDS: Readonly<Record<string, Kind>> = {
  file: 'files',
  command: 'files',
  dir: 'directories',
  key: 'keys',
  from: 'keys',
  to: 'keys',
  prefix: 'keys',
}

/** Where a command line has come to. */
interface Position {
  readonly command: Command
  /** How many arguments the command has so far. */
  readonly argumentCount: number
  /** The option whose value comes next. */
  readonly pending: Option | undefined
  readonly isBehindDashes: boolean
  readonly directory: string | undefined
}

/** What may stand behind the words `before`, given the beginning of it. */
export function wantedAt(program: Command, before: readonly string[], current: string): Wanted {
  const position = positionAfter(program, before)
  const { command, pending, isBehindDashes } = position
  if (pending !== undefined) return valueOf(pending, position, '', current)
  if (current.startsWith('-') && !isBehindDashes) {
    const [name = '', value] = splitAtEquals(current)
    const option = value === undefined ? undefined : optionOf(command, name)
    if (option === undefined) return words(optionsOf(command))
    return valueOf(option, position, `${name}=`, value ?? '')
  }
  const commands = command.createHelp().visibleCommands(command)
  if (commands.length > 0 && position.argumentCount === 0) return words(commandsOf(commands))
  return argumentAt(position, current)
}

function positionAfter(program: Command, before: readonly string[]): Position {
  let command = program
  let argumentCount = 0
  let pending: Option | undefined
  let isBehindDashes = false
  let directory: string | undefined
  for (const word of before) {
    if (pending !== undefined) {
      if (isDirectory(pending)) directory = word
      pending = undefined
    } else if (isBehindDashes || !/^-./.test(word)) {
      const below = argumentCount === 0 && !isBehindDashes ? commandBelow(command, word) : undefined
      if (below === undefined) argumentCount += 1
      // What follows `help` is what could stand without it.
      else if (word !== 'help') command = below
    } else if (word === '--') isBehindDashes = true
    else {
      const [name = '', value] = splitAtEquals(word)
      const option = optionOf(command, name)
      if (option === undefined || !takesValue(option)) continue
      if (value === undefined) pending = option
      else if (isDirectory(option)) directory = value
    }
  }
  return { command, argumentCount, pending, isBehindDashes, directory }
}

function commandBelow(command: Command, name: string): Command | undefined {
  return command
    .createHelp()
    .visibleCommands(command)
    .find((one) => one.name() === name)
}

function optionOf(command: Command, name: string): Option | undefined {
  const options = command.createHelp().visibleOptions(command)
  return options.find(({ long, short }) => name === long || name === short)
}

/** `--name=value`, or `-nvalue`; `--name` alone has no value. */
function splitAtEquals(word: string): (string | undefined)[] {
  const [, name = word, value] = /^(--[^=]*)=(.*)$/s.exec(word) ?? /^(-[^-])(.+)$/s.exec(word) ?? []
  return [name, value]
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional
}

function isDirectory(option: Option): boolean {
  return option.long === '--directory'
}

function valueOf(option: Option, { directory }: Position, before: string, prefix: string): Wanted {
  const { argChoices, flags } = option
  if (argChoices !== undefined) {
    return words(argChoices.map((choice) => ({ text: before + choice, description: '' })))
  }
  const [, name = ''] = /[<[]([^\]>]*)[\]>]/.exec(flags) ?? []
  return ofKind(name, directory, before, prefix)
}

function argumentAt({ command, argumentCount, directory }: Position, prefix: string): Wanted {
  const all = command.registeredArguments
  const last = all.at(-1)
  const argument: Argument | undefined =
    all[argumentCount] ?? (last?.variadic === true ? last : undefined)
  if (argument === undefined) return words([])
  const { argChoices } = argument
  if (argChoices !== undefined) {
    return words(argChoices.map((text) => ({ text, description: '' })))
  }
  return ofKind(argument.name(), directory, '', prefix)
}

function ofKind(name: string, named: string | undefined, before: string, prefix: string): Wanted {
  const kind = KINDS[name]
  if (kind === undefined) return words([])
  if (kind !== 'keys') return { kind }
  const directory = named === undefined ? process.env['LINKSTORE_DIR'] : expanded(named)
  return { kind, prefix, before, directory }
}

function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ short, long, description }) =>
      [long, short].flatMap((text) => (text === undefined ? [] : [{ text, description }])),
    )
}

function commandsOf(commands: readonly Command[]): Candidate[] {
  return commands.map((one) => ({ text: one.name(), description: one.description() }))
}

function words(candidates: readonly Candidate[]): Wanted {
  return { kind: 'words', candidates }
}
