import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { addStoreOptions, examples } from './options.js'
import { parseNumber } from './option-values.js'
import { outputOf, print } from './output.js'
import type { Session } from './session.js'
import { STATUSES } from './statuses.js'

interface CommandModule {
  readonly configure: (command: Command, session: Session) => void
}

interface Entry {
  /** The name, and the arguments as commander writes them. */
  readonly usage: string
  readonly summary: string
  readonly load: () => Promise<CommandModule>
  /** Whether it is for other programs than a shell's user. */
  readonly isHidden?: boolean
}

interface StoreFlags {
  readonly directory?: string
  readonly identity?: string
  readonly trust?: readonly string[]
}

const ENTRIES: readonly Entry[] = [
  entry('set <key> [value]', 'store a value', () => import('./set.js')),
  entry('get <key>', 'print a value', () => import('./get.js')),
  entry('has <key>', 'exit with 0 if a key has an object, else with 1', () => import('./has.js')),
  entry('rm <key>', 'remove an object', () => import('./rm.js')),
  entry('add <key> [value]', 'store a value if its key has none', () => import('./add.js')),
  entry('take <key>', 'print a value and remove it, in one', () => import('./take.js')),
  entry('ls [prefix]', 'list keys', () => import('./ls.js')),
  entry(
    'du [prefix]',
    'tell how many objects there are, how large, how old',
    () => import('./du.js'),
  ),
  entry('stat <key>', 'print what is known of an object', () => import('./stat.js')),
  entry('cp <from> <to>', 'copy an object', () => import('./cp.js')),
  entry('mv <from> <to>', 'move an object to another key', () => import('./mv.js')),
  entry('count', 'count the objects', () => import('./count.js')),
  entry('clear', 'remove all objects', () => import('./clear.js')),
  entry('cell', 'small values to compare and set', () => import('./cell.js')),
  entry('lock <name> <command...>', 'run a command under a lease', () => import('./lock.js')),
  entry('queue', 'jobs that any number of processes share', () => import('./queue.js')),
  entry('keys', 'identities, and who can read a sealed store', () => import('./keys.js')),
  entry('import [dir]', 'store a directory tree', () => import('./import.js')),
  entry('export [dir]', 'write keys back as a directory tree', () => import('./export.js')),
  entry(
    'migrate <from> <to>',
    'copy all objects of a store to another',
    () => import('./migrate.js'),
  ),
  entry('bench [dir]', 'say what a directory is good for', () => import('./bench.js')),
  entry('verify', 'read and check every object', () => import('./verify.js')),
  entry('doctor [dir]', 'say what a directory can promise as a store', () => import('./doctor.js')),
  entry('health', 'exit with 0 if a store answers, else with 1', () => import('./health.js')),
  entry('top', 'show what goes on in a store, live', () => import('./top.js')),
  entry('sweep', 'remove what crashes have left and what has expired', () => import('./sweep.js')),
  entry('destroy', 'remove the store and its directory', () => import('./destroy.js')),
  entry(
    'completion <shell>',
    'print a script that completes words in a shell',
    () => import('./completion.js'),
  ),
  hidden(
    entry('complete <shell> [words...]', 'what that script asks', () => import('./complete.js')),
  ),
]

const HELP = examples(
  'linkstore -d things set greeting "Hello, world"',
  'linkstore -d things get greeting',
  'export LINKSTORE_DIR=things; linkstore ls -l',
  'linkstore import photos && linkstore export copy-of-photos',
  'linkstore set --help',
)

const STATUS_HELP = `
Exit status: ${STATUSES.map(([status, meaning]) => `${status} ${meaning}`).join(';\n')}.
`

/**
 * Builds the program. The words of the command line tell which commands it can need: only these
 * are loaded.
 */
export async function buildProgram(session: Session, words: readonly string[]): Promise<Command> {
  const program = new Command('linkstore')
  addStoreOptions(program)
    .description('A key-value store in a directory that any number of processes and hosts share.')
    .option('-V, --version', 'print the version')
    .on('option:version', printVersion)
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: termOf })
    .configureOutput(outputOf(program))
    .exitOverride()
    .addHelpText('after', HELP + STATUS_HELP)
    .hook('preAction', (_, command) => {
      session.directory = nearest(command, 'directory') ?? process.env['LINKSTORE_DIR']
      const identity = nearest(command, 'identity') ?? process.env['LINKSTORE_IDENTITY'] ?? ''
      const trust = nearest(command, 'trust') ?? wordsOf(process.env['LINKSTORE_TRUST'])
      session.seal = identity === '' ? undefined : { identity, trust }
    })
  for (const { usage, summary, load, isHidden = false } of ENTRIES) {
    const command = program.command(usage, { hidden: isHidden }).description(summary)
    command.configureOutput(outputOf(command))
    if (!words.includes(command.name())) continue
    addStoreOptions(command)
    const { configure } = await load()
    configure(command, session)
  }
  addDemo(program)
  return program
}

/** What an option such as `-d` says, the one nearest to the command. */
function nearest<Name extends keyof StoreFlags>(
  command: Command,
  name: Name,
): StoreFlags[Name] | undefined {
  const value = command.opts<StoreFlags>()[name]
  return value ?? (command.parent === null ? undefined : nearest(command.parent, name))
}

/** A variable that may stay empty. */
function wordsOf(variable: string | undefined): readonly string[] {
  return variable === undefined || variable === '' ? [] : [variable]
}

/** What the list of commands says of one: its name and arguments. */
function termOf(command: Command): string {
  const usage = command
    .usage()
    .replace('[options]', '')
    .replace(/(-- )?(?=<command)/, '-- ')
  return `${command.name()} ${usage}`.replace(/\s+/g, ' ')
}

function addDemo(program: Command): void {
  const command = program.command('demo')
  command
    .configureOutput(outputOf(command))
    .description('let several processes loose on one store, and judge what they did')
    .option('--seconds <number>', 'how long; default: 8', parseNumber)
    .option('--processes <number>', 'how many; default: 4', parseNumber)
    .option('--keep', 'leave the store of the demo behind')
    .addHelpText('after', DEMO_HELP)
    .action(async (options: { seconds?: number; processes?: number; keep?: boolean }) => {
      const { runDemo } = await import('./demo.js')
      process.exitCode = await runDemo(options)
    })
}

const DEMO_HELP =
  `
Makes a store in a scratch directory and starts several processes that write, read, add, take and
remove the same keys at once, with real files as values, while a display shows what they do. The
verdict counts torn values, lost writes and false misses: there must be none. Exits with 3 if
there are.
` + examples('linkstore demo', 'linkstore demo --seconds 30 --processes 8 --keep')

function entry(usage: string, summary: string, load: Entry['load']): Entry {
  return { usage, summary, load }
}

function hidden(one: Entry): Entry {
  return { ...one, isHidden: true }
}

function printVersion(): never {
  const require = createRequire(import.meta.url)
  const { version } = require('linkstore/package.json') as { version: string }
  print(`${version}\n`)
  throw new CommanderError(0, 'commander.version', version)
}
