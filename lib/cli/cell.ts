import { isUtf8 } from 'node:buffer'
import type { Command } from 'commander'
import type { Cell, CellState, Durability } from '../../index.js'
import { EXIT } from './failure.js'
import { gather, inputOf } from './input.js'
import { parseCount } from './option-values.js'
import { creating, durabilityOption, EXISTING, examples, fileOption } from './options.js'
import { addSubcommand } from './output.js'
import { quoted, safeJson } from './safe-text.js'
import type { Session } from './session.js'
import { writeStdout } from './stdout.js'

const HELP =
  `
A cell is a value of up to 64 KiB with a generation, a number that rises with each change. cas
replaces the value only if the cell is still at a generation, which get --json tells; 0: only if
it was never written.
` +
  examples(
    'linkstore cell set leader host-1',
    'linkstore cell get leader --json | jq .generation',
    'linkstore cell cas leader 1 host-2 || echo "somebody else was faster"',
    'linkstore cell rm leader',
  )

interface ReadFlags {
  readonly json?: boolean
}

interface ChangeFlags {
  readonly file?: string
  readonly json?: boolean
  readonly durability?: Durability
}

/** `cell`: small values to compare and set. */
export function configure(command: Command, session: Session): void {
  command.addHelpText('after', HELP)
  addSubcommand(command, 'get <name>', 'print the value of a cell')
    .option('--json', 'as one JSON object, with the generation; base64 if it is no text')
    .addHelpText('after', examples('linkstore cell get leader'))
    .action((name: string, { json = false }: ReadFlags) =>
      session.withStore(EXISTING, (store) => get(session, store.cell(name), json)),
    )
  configureSet(command, session)
  configureCas(command, session)
  addSubcommand(command, 'rm <name>', 'remove the value of a cell')
    .addOption(durabilityOption())
    .addHelpText('after', examples('linkstore cell rm leader'))
    .action((name: string, { durability }: ChangeFlags) =>
      session.withStore(EXISTING, (store) => remove(session, store.cell(name), durability)),
    )
}

function configureSet(command: Command, session: Session): void {
  const set = addSubcommand(command, 'set <name> [value]', 'set a cell, whatever it holds')
  set
    .addOption(fileOption())
    .option('--json', 'print the new generation, as one JSON object')
    .addOption(durabilityOption())
    .addHelpText('after', examples('linkstore cell set leader "$(hostname)"'))
    .action((name: string, word: string | undefined, flags: ChangeFlags) =>
      session.withStore(creating({}), async (store) => {
        const { file, json = false, durability } = flags
        const { signal } = session
        const value = await cellInput(set, session, word, file)
        const { generation } = await store.cell(name).update(() => value, { durability, signal })
        if (json) await writeStdout(Buffer.from(`${safeJson({ generation })}\n`), signal)
      }),
    )
}

function configureCas(command: Command, session: Session): void {
  const cas = addSubcommand(command, 'cas <name>', 'set a cell if it is still at a generation')
  cas
    .argument('<generation>', 'the generation it must be at; 0: never written', parseCount)
    .argument('[value]')
    .addOption(fileOption())
    .addOption(durabilityOption())
    .addHelpText('after', examples('linkstore cell cas leader 0 "$(hostname)" && lead'))
    .action((name: string, at: number, word: string | undefined, flags: ChangeFlags) =>
      session.withStore(creating({}), async (store) => {
        const { signal } = session
        const { durability } = flags
        const value = await cellInput(cas, session, word, flags.file)
        const made = await store.cell(name).compareAndSet(at, value, { durability, signal })
        if (made !== undefined) {
          await writeStdout(Buffer.from(`${made}\n`), signal)
          return
        }
        session.note(
          `the cell ${quoted(name)} is not at generation ${at}; read it again, then decide`,
        )
        session.status = EXIT.absent
      }),
    )
}

async function get(session: Session, cell: Cell, json: boolean): Promise<void> {
  const { signal } = session
  const state = await cell.read({ signal })
  if (json) await writeStdout(Buffer.from(`${safeJson(described(state))}\n`), signal)
  else if (state.value !== undefined) await writeStdout(state.value, signal)
  if (state.value === undefined) empty(session, cell)
}

async function remove(
  session: Session,
  cell: Cell,
  durability: Durability | undefined,
): Promise<void> {
  const before: (Buffer | undefined)[] = []
  const clear = (current: Buffer | undefined): undefined => void before.push(current)
  await cell.update(clear, { durability, signal: session.signal })
  if (before.at(-1) === undefined) empty(session, cell)
}

function empty(session: Session, { name }: Cell): void {
  session.note(`the cell ${quoted(name)} has no value`)
  session.status = EXIT.absent
}

/** What `--json` says: whoever wants to compare and set an empty cell needs its generation. */
function described({ generation, value }: CellState): object {
  if (value === undefined) return { generation }
  const encoding = isUtf8(value) ? 'utf8' : 'base64'
  return { generation, value: value.toString(encoding), encoding }
}

/** The value for a cell, in memory. */
async function cellInput(
  command: Command,
  session: Session,
  word: string | undefined,
  file: string | undefined,
): Promise<string | Buffer> {
  const { MAX_CELL_BYTES } = await import('../../index.js')
  const body = inputOf(command, session, word, file)
  if (typeof body === 'string') return body
  const bytes = await gather(body, MAX_CELL_BYTES, session.signal)
  if (bytes !== undefined) return bytes
  const advice = 'put the value into an object, and its key into the cell'
  throw new RangeError(`a cell holds at most ${MAX_CELL_BYTES} bytes; ${advice}`)
}
