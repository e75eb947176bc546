import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { open as openFile, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { open, type Store } from '../../index.js'
import { together, type Found } from '../calls.js'
import type { Options } from '../results.js'
import { measureInRounds, type Comparison, type Runner } from '../rounds.js'
import { withPlace } from '../scratches.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Question, Scratch } from './question.js'

const run = promisify(execFile)

const BYTES = 2 ** 30
const SHORT_BYTES = 2 ** 28
const MOST_ROUNDS = 4
const BLOCK_BYTES = 2 ** 20

const KEY = 'film'
const COPIED = 'cp'
const STREAMED = 'node:fs streams'
/** Of 64 KiB, as `createReadStream` gives them by default, there are sixteen times as many. */
const LARGE_PIECES = { highWaterMark: 2 ** 20 }
const IN_LARGE_PIECES = 'pieces of 1 MiB'

/** Does a large value pass as fast as a file is copied? */
export const largeStreams: Question = {
  name: 'large-streams',
  asks: 'Does a large value pass as fast as a file is copied?',
  explains: `A file of 1 GiB goes into a store by \`createWriteStream\` and comes out of it into a
file by \`createReadStream\`. \`cp\` copies the same file to the same disk; where the value is
flushed, \`cp\` is followed by \`sync\` of the copy. *node:fs streams* is the same pipeline from
file to file, and *pieces of 1 MiB* are what the file is read in, by the option \`highWaterMark\` of
\`createReadStream\`, instead of 64 KiB. The target is not there before; all of it is
compared with the source afterwards, and that is not measured.`,
  chart: { shows: 'figures', columns: 'operation' },
  whyOthersWin: {
    [COPIED]: `The kernel copies from page to page; nothing enters the process. Every byte of a
store goes through Node, which computes a checksum of it.`,
    [STREAMED]: 'It computes no checksum.',
    [`${STREAMED}, ${IN_LARGE_PIECES}`]:
      'It computes no checksum, and has fewer pieces to wait for.',
    [`linkstore, durability none, ${IN_LARGE_PIECES}`]: 'There are fewer pieces to wait for.',
  },
  measure: async (scratches, options, announce) => {
    const found: Found[] = []
    for (const scratch of scratches) {
      const say = (progress: string): void => announce(`${scratch.fileSystem}, ${progress}`)
      found.push(await measureOn(scratch, options, say))
    }
    return together(largeStreams.name, found)
  },
}

async function measureOn(
  scratch: Scratch,
  { rounds: wanted, isShort }: Options,
  announce: (what: string) => void,
): Promise<Found> {
  const rounds = Math.min(wanted, MOST_ROUNDS)
  const valueBytes = isShort ? SHORT_BYTES : BYTES
  return await withPlace(scratch, async (place) => {
    const source = join(place, 'source')
    await writeSource(source, valueBytes)
    const store = await open(join(place, 'store'), { durability: 'none', sweep: false })
    try {
      await pipeline(createReadStream(source), store.createWriteStream(`${KEY} to read`))
      const plans = comparisonsOf(place, source, store)
      const facts = { fileSystem: scratch.fileSystem, valueBytes }
      const comparisons = plans
        .slice(0, isShort ? 2 : plans.length)
        .map((plan) => ({ ...plan, facts: { ...plan.facts, ...facts } }))
      const groups = await measureInRounds(
        comparisons,
        rounds,
        (round) => announce(`round ${round + 1} of ${rounds}`),
        0,
      )
      return { groups, missing: [] }
    } finally {
      await store.close()
    }
  })
}

function comparisonsOf(place: string, source: string, store: Store): Comparison[] {
  const target = join(place, 'target')
  const copy = (...arguments_: [string, string][]): Runner => copyRunner(source, target, arguments_)
  const streamed = (name: string, pieces = {}): Runner =>
    fileRunner(name, source, target, () =>
      pipeline(createReadStream(source, pieces), createWriteStream(target)),
    )
  const read = fileRunner('linkstore', source, target, () =>
    pipeline(store.createReadStream(`${KEY} to read`), createWriteStream(target)),
  )
  const write = (name: string, durability: 'none' | 'file', pieces = {}): Runner => ({
    subject: name,
    run: async () => {
      const startMs = performance.now()
      await pipeline(createReadStream(source, pieces), store.createWriteStream(KEY, { durability }))
      const amount = performance.now() - startMs
      await compareStream(store, source)
      await store.delete(KEY)
      return { amount, calls: 1 }
    },
  })
  const plan = { unit: 'ms', comparedWith: COPIED, turns: 1 } as const
  const isNew = { fileSystem: '', operation: 'set, new' }
  return [
    {
      ...plan,
      facts: { ...isNew, promised: 'nothing flushed' },
      runners: [
        copy(),
        write('linkstore, durability none', 'none'),
        write(`linkstore, durability none, ${IN_LARGE_PIECES}`, 'none', LARGE_PIECES),
        streamed(STREAMED),
        streamed(`${STREAMED}, ${IN_LARGE_PIECES}`, LARGE_PIECES),
      ],
    },
    {
      ...plan,
      facts: { fileSystem: '', operation: 'get' },
      runners: [copy(), read, streamed(STREAMED)],
    },
    {
      ...plan,
      facts: { ...isNew, promised: 'value flushed' },
      runners: [copy(['sync', target]), write('linkstore, durability file', 'file')],
    },
  ]
}

function copyRunner(
  source: string,
  target: string,
  after: readonly (readonly [program: string, path: string])[],
): Runner {
  return fileRunner(COPIED, source, target, async () => {
    await run('cp', [source, target])
    for (const [program, path] of after) await run(program, [path])
  })
}

function fileRunner(
  subject: string,
  source: string,
  target: string,
  write: () => Promise<unknown>,
): Runner {
  return {
    subject,
    run: async () => {
      const startMs = performance.now()
      await write()
      const amount = performance.now() - startMs
      await run('cmp', ['-s', source, target])
      await rm(target)
      return { amount, calls: 1 }
    },
  }
}

/** Blocks that differ, and that nothing compresses. */
async function writeSource(path: string, bytes: number): Promise<void> {
  const { value } = loadOf(BLOCK_BYTES, firstKeys(1))
  const file = await openFile(path, 'w')
  try {
    const block = Buffer.from(value(0, 0))
    for (let at = 0; at < bytes; at += BLOCK_BYTES) {
      block.writeDoubleLE(at, 0)
      await file.write(block)
    }
  } finally {
    await file.close()
  }
}

async function compareStream(store: Store, path: string): Promise<void> {
  const file = await openFile(path)
  try {
    for await (const chunk of store.createReadStream(KEY) as AsyncIterable<Buffer>) {
      if (!(await nextOf(file, chunk.length)).equals(chunk)) {
        throw new Error('linkstore returned other bytes than were written to it')
      }
    }
    if ((await nextOf(file, 1)).length > 0) throw new Error('linkstore returned too few bytes')
  } finally {
    await file.close()
  }
}

async function nextOf(file: FileHandle, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes)
  return buffer.subarray(0, bytesRead)
}
