import { Option, type Command } from 'commander'
import type { Durability, Format, OpenOptions, SetOptions } from '../../index.js'
import { collectMetadata, parseDuration } from './option-values.js'

/** What the options of a command that writes values come to. */
export interface WriteFlags {
  readonly ttl?: number
  readonly contentType?: string
  readonly meta?: Readonly<Record<string, string>>
  readonly durability?: Durability
  readonly format?: Format
}

function directoryOption(): Option {
  return new Option(
    '-d, --directory <dir>',
    'the store, or its URL; default: what LINKSTORE_DIR says',
  )
}

/** Adds the options that name a store, and what opens it if it is sealed. */
export function addStoreOptions(command: Command): Command {
  return command
    .addOption(directoryOption())
    .option('--identity <file>', 'who reads a sealed store; default: what LINKSTORE_IDENTITY says')
    .option('--trust <key>', 'whose objects to read, too: a public key or a file of them', collect)
}

function collect(word: string, before: readonly string[] = []): readonly string[] {
  return [...before, word]
}

export function durabilityOption(): Option {
  const what = 'what a power cut may undo: nothing, the last names, or more; default: full'
  return new Option('--durability <level>', what).choices(['full', 'file', 'none'])
}

export function formatOption(): Option {
  const what = 'format of a store that is not there yet; default: envelope'
  return new Option('--format <format>', what).choices(['envelope', 'raw'])
}

export function outputOption(): Option {
  return new Option('-o, --output <file>', 'write the value to this file, not to standard output')
}

export function fileOption(): Option {
  return new Option('-f, --file <file>', 'take the value from this file; - is standard input')
}

/** Adds the options of `set` and `add`. */
export function addWriteOptions(command: Command): Command {
  return command
    .addOption(fileOption())
    .option('--ttl <duration>', 'let it expire after 500ms, 30s, 10m, 2h, 7d …', parseDuration)
    .option('--content-type <type>', 'a media type, such as text/plain')
    .option('--meta <name=value>', 'an attribute of your own; may be repeated', collectMetadata)
    .addOption(durabilityOption())
    .addOption(formatOption())
}

/** The options of a write, for the store. */
export function setOptionsOf(flags: WriteFlags, signal: AbortSignal): SetOptions {
  const { ttl: ttlMs, contentType, meta: metadata, durability } = flags
  return { ttlMs, contentType, metadata, durability, signal }
}

/** The options of a store that is made if it is not there. */
export function creating({ format }: { readonly format?: Format | undefined }): OpenOptions {
  return { create: true, format }
}

/** A typing error in the name of a store must not make one: only what writes values may. */
export const EXISTING: OpenOptions = { create: false }

/** The end of a command's help: how it is used. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`
}
