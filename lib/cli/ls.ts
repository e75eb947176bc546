import { Option, type Command } from 'commander'
import type { ObjectInfo } from '../../index.js'
import { sizeAndTime } from './figures.js'
import { infoJson } from './info-json.js'
import {
  DEFAULT_SEPARATOR,
  eachObject,
  gatherObjects,
  globOption,
  selectionOf,
  separatorOption,
  type Objects,
} from './listing.js'
import type { SortField } from './ls/order.js'
import { EXISTING, examples } from './options.js'
import { keyText, safeText } from './safe-text.js'
import type { Session } from './session.js'
import { LineWriter } from './stdout.js'

const HELP =
  `
Keys come as they are found, in no particular order. --sort and --tree show nothing before all are
known, and hold it all in memory. Sizes sort from large to small, times from new to old. In a
pattern * and ? stop at a slash, ** does not; quote it, as the shell has patterns of its own.
` +
  examples(
    'linkstore ls',
    'linkstore ls user: --long --sort time | head',
    "linkstore ls --glob 'photos/**/*.jpg'",
    'linkstore ls photos/ --tree --long',
    'linkstore ls --json | jq -r "select(.sizeBytes > 1000).key"',
  )

interface Flags {
  readonly long?: boolean
  readonly tree?: boolean
  readonly json?: boolean
  readonly sort?: SortField
  readonly reverse?: boolean
  readonly glob?: string
  readonly separator?: string
}

/** `ls [PREFIX]`: lists the keys. */
export function configure(command: Command, session: Session): void {
  command
    .option('-l, --long', 'with size in bytes, time of writing and content type')
    .option('--tree', 'as a tree of directories; with --long, what is in each of them')
    .addOption(sortOption())
    .option('-r, --reverse', 'sort the other way round')
    .addOption(globOption())
    .addOption(separatorOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((prefix: string | undefined, flags: Flags) => {
      requireCombination(command, flags)
      return session.withManyObjects(EXISTING, async (store) => {
        const { tree = false, sort } = flags
        const show = tree ? showTree : sort === undefined ? showAsFound : showSorted
        const objects = { session, store, selection: await selectionOf(prefix, flags) }
        const lines = new LineWriter(session.signal)
        const damage = await show(objects, flags, lines)
        await lines.flush()
        if (damage !== undefined) throw damage
      })
    })
}

function sortOption(): Option {
  return new Option('--sort <field>', 'sort by this').choices(['key', 'size', 'time'])
}

function jsonOption(): Option {
  const what = 'one JSON object per line, with the exact key and all that is known'
  return new Option('--json', what).conflicts(['long', 'tree'])
}

function requireCombination(command: Command, flags: Flags): void {
  const { tree = false, sort, reverse = false, separator } = flags
  const isSorted = sort !== undefined || tree
  if (reverse && !isSorted) command.error('error: --reverse needs --sort; add it')
  if (separator !== undefined && !tree) command.error('error: --separator needs --tree; add it')
}

function showAsFound(objects: Objects, flags: Flags, lines: LineWriter): Promise<unknown> {
  return eachObject(objects, (info) => lines.line(line(info, flags)))
}

async function showSorted(objects: Objects, flags: Flags, lines: LineWriter): Promise<unknown> {
  const { sorted } = await import('./ls/order.js')
  const { sort = 'key', reverse = false } = flags
  const infos: ObjectInfo[] = []
  const damage = await gatherObjects(objects, (info) => void infos.push(info))
  for (const info of sorted(infos, sort, reverse)) await lines.line(line(info, flags))
  return damage
}

async function showTree(objects: Objects, flags: Flags, lines: LineWriter): Promise<unknown> {
  const { KeyTree } = await import('./ls/key-tree.js')
  const { penOf } = await import('./drawing.js')
  const { long = false, sort = 'key', reverse = false, separator = DEFAULT_SEPARATOR } = flags
  const { session } = objects
  const tree = new KeyTree(separator)
  const damage = await gatherObjects(objects, (info) => tree.add(info))
  await lines.line(safeText(session.requireDirectory()))
  const how = { long, sort, reverse, pen: penOf(process.env) }
  for (const text of tree.lines(how)) await lines.line(text)
  await lines.flush()
  session.note(tree.summary())
  return damage
}

function line(info: ObjectInfo, { long = false, json = false }: Flags): string {
  if (json) return infoJson(info)
  const key = keyText(info.key)
  if (!long) return key
  return `${sizeAndTime(info)}  ${safeText(info.contentType ?? '-')}  ${key}`
}
