import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { open, openSync } from '../../index.js'
import { together, type Found } from '../calls.js'
import { COMMAND_PATH } from '../package.js'
import type { Group, Options } from '../results.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { onDisk, removeTree, withPlace } from '../scratches.js'
import { filledStore } from '../subjects/filled-store.js'
import { indexOf, keyOf, loadOf } from '../subjects/load.js'
import type { Cost } from '../subjects/subject.js'
import type { Question, Scratch } from './question.js'

const run = promisify(execFile)

const VALUE_BYTES = 1024
const USUAL_OBJECTS = 20_000
const MOST_ROUNDS = 3
const IMPORTED = 20_000
const SHORT_IMPORTED = 500
const PER_DIRECTORY = 100

/** How long does it take to go through all objects? */
export const wholeStore: Question = {
  name: 'whole-store',
  asks: 'How long does it take to count, to list and to import all objects?',
  explains: `\`count()\` and all of \`keys()\` of a store with a million objects, against \`find\`
on the same directory: \`find -type f | wc -l\`, which looks at the names only, as \`count\` does,
and \`find -type f -exec head -c1 {} +\`, which opens each file once, as a listing does. Each key is
checked, and that each came once. Then \`linkstore import\` of a directory tree with
${IMPORTED.toLocaleString('en-US')} files into a new store with nothing flushed, against \`cp -r\`
of the tree.`,
  chart: { shows: 'ratios', columns: 'operation' },
  whyOthersWin: {
    find: `It is one program that makes the system calls and nothing else; linkstore reads and
checks the end of each file for the key, and hands it to the program that asked.`,
    'linkstore sync': 'There is no way to the threads of Node and back.',
    cp: `It writes no checksum and no key, and makes no new name for each file first. The command
has to start as well.`,
  },
  measure: async (scratches, options, announce) => {
    const scratch = onDisk(scratches)
    const rounds = Math.min(options.rounds, MOST_ROUNDS)
    const say = (what: string) => (round: number) =>
      announce(`${what}, round ${round + 1} of ${rounds}`)
    announce('filling')
    const walks = await measureWalks(scratch, options, rounds, say('count and list'))
    const imports = await measureImport(scratch, options, rounds, say('import'))
    const found: Found = { groups: [...walks, ...imports], missing: [] }
    return together(wholeStore.name, [found])
  },
}

async function measureWalks(
  scratch: Scratch,
  { objects = USUAL_OBJECTS }: Options,
  rounds: number,
  onRound: (round: number) => void,
): Promise<Group[]> {
  const directory = await filledStore(scratch, objects, VALUE_BYTES)
  const store = await open(directory, { durability: 'none', sweep: false })
  const syncStore = openSync(directory, { durability: 'none' })
  const find = (how: string) => async (): Promise<string> =>
    (await run('sh', ['-c', `find "$0" -type f ${how}`, directory])).stdout
  const facts = { fileSystem: scratch.fileSystem, valueBytes: VALUE_BYTES, objects }
  const plan = { unit: 'ms', comparedWith: 'find', turns: 1 } as const
  const requireCount = (count: number): void => requireThat(count === objects, 'count')
  // It finds the marker of the store as well.
  const requireFound = (text: string): void => requireThat(Number(text) > objects, 'find')
  const comparisons: Comparison[] = [
    {
      ...plan,
      facts: { ...facts, operation: 'count' },
      runners: [
        timed('find', find('| wc -l'), requireFound),
        timed('linkstore', () => store.count(), requireCount),
        timed('linkstore sync', () => syncStore.count(), requireCount),
      ],
    },
    {
      ...plan,
      facts: { ...facts, operation: 'list' },
      runners: [
        timed('find', find('-exec head -c1 {} + >/dev/null')),
        timed('linkstore', () => countDifferent(store.keys(), objects), requireCount),
        timed('linkstore sync', () => countDifferent(syncStore.keys(), objects), requireCount),
      ],
    },
  ]
  try {
    return await measureInRounds(comparisons, rounds, onRound, 0)
  } finally {
    syncStore.close()
    await store.close()
  }
}

async function measureImport(
  scratch: Scratch,
  { isShort }: Options,
  rounds: number,
  onRound: (round: number) => void,
): Promise<Group[]> {
  const files = isShort ? SHORT_IMPORTED : IMPORTED
  return await withPlace(scratch, async (place) => {
    const source = join(place, 'source')
    const target = join(place, 'target')
    await writeTree(source, files)
    const command = [COMMAND_PATH, '-d', target, 'import', source, '--durability', 'none']
    const runners = [
      timed(
        'cp',
        () => run('cp', ['-r', source, target]),
        () => run('diff', ['-r', source, target]),
      ),
      timed(
        'linkstore',
        () => run(process.execPath, command),
        () => checkImported(target, files),
      ),
    ].map(({ subject, run: importAll }): Runner => ({
      subject,
      run: async () => {
        const cost = await importAll()
        await removeTree(target)
        return cost
      },
    }))
    const { fileSystem } = scratch
    const facts = { fileSystem, operation: 'import', valueBytes: VALUE_BYTES, objects: files }
    const comparison = { facts, unit: 'ms', comparedWith: 'cp', turns: 1, runners } as const
    return await measureInRounds([comparison], rounds, onRound, 0)
  })
}

/** Something that is done once, and looked at afterwards. */
function timed<T>(
  subject: string,
  act: () => T | Promise<T>,
  verify?: (done: T) => unknown,
): Runner {
  const measured = async (): Promise<Cost> => {
    const startMs = performance.now()
    const done = await act()
    const amount = performance.now() - startMs
    await verify?.(done)
    return { amount, calls: 1 }
  }
  return { subject, run: measured }
}

async function countDifferent(
  keys: AsyncIterable<string> | Iterable<string>,
  objects: number,
): Promise<number> {
  const seen = new Uint8Array(objects)
  let count = 0
  const note = (key: string): void => {
    const index = indexOf(key)
    requireThat(seen[index] === 0, `list, at ${key},`)
    seen[index] = 1
    count += 1
  }
  // Waiting for what is there at once would be measured.
  if (Symbol.iterator in keys) for (const key of keys) note(key)
  else for await (const key of keys) note(key)
  return count
}

async function writeTree(root: string, files: number): Promise<void> {
  const { value } = loadOf(VALUE_BYTES, [])
  for (let index = 0; index < files; index += 1) {
    const directory = join(root, String(Math.floor(index / PER_DIRECTORY)))
    if (index % PER_DIRECTORY === 0) await mkdir(directory, { recursive: true })
    await writeFile(join(directory, keyOf(index)), value(index, 0))
  }
}

function checkImported(directory: string, files: number): void {
  const store = openSync(directory, { durability: 'none' })
  const { value } = loadOf(VALUE_BYTES, [])
  let count = 0
  for (const [key, found] of store) {
    const index = indexOf(key.slice(key.indexOf('/') + 1))
    requireThat(found.equals(value(index, 0)), `import, at ${key},`)
    count += 1
  }
  store.close()
  requireThat(count === files, 'import')
}

function requireThat(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`${what} found something else than is there`)
}
