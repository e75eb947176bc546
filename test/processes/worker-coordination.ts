/**
 * Does one of the things that processes do together, and writes down what it did: each line is
 * with the kernel before the worker goes on, so a SIGKILL takes none away.
 *
 *     worker-coordination count ROOT JOURNAL NAME DURATION_MS
 *         increments a counter that is a cell, for so long
 *     worker-coordination turns ROOT JOURNAL NAME TTL_MS FILE TURNS
 *         changes a plain file by turns, under a lock
 *     worker-coordination stopped ROOT JOURNAL NAME TTL_MS FILE TURNS
 *         the same, but first holds the lease until it is lost
 *     worker-coordination create ROOT JOURNAL NAME LEASE_MS
 *         asks for a value; who is first to create it never ends. All have one journal.
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { open, type Lease, type StoreError } from '../../index.js'
import type { Count, Line, TurnsFile } from './coordination-judgement.js'

const [mode = '', root = '', journalPath = '', name = '', time, file = '', turns] =
  process.argv.slice(2)
const journal = openSync(journalPath, 'a')

function note(...line: Line): void {
  writeSync(journal, `${JSON.stringify(line)}\n`)
}

await using store = await open(root, { durability: 'none' })

async function count(durationMs: number): Promise<void> {
  const cell = store.cell('counter')
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs) {
    note('began', 0)
    const { generation } = await cell.update((value) => {
      const counts = JSON.parse(value?.toString() ?? '{}') as Count
      return JSON.stringify({ ...counts, [name]: (counts[name] ?? 0) + 1 })
    })
    note('done', generation)
  }
}

/** What only one may do at a time, and what shows if two do. */
async function changeFile(lease: Lease): Promise<void> {
  note('began', lease.token)
  closeSync(openSync(`${file}.busy`, 'wx'))
  const before = JSON.parse(readFileSync(file, 'utf8')) as TurnsFile
  if (before.token >= lease.token) throw new Error(`${before.token} was before ${lease.token}`)
  await setTimeout(3)
  writeFileSync(file, JSON.stringify({ token: lease.token, turns: before.turns + 1 }))
  unlinkSync(`${file}.busy`)
  note('done', lease.token)
}

function codeOf(error: unknown): string {
  return (error as StoreError).code
}

async function holdUntilLost(ttlMs: number): Promise<void> {
  let told = 0
  const lease = await store.lease('turns', { ttlMs, onLost: () => (told += 1) })
  note('holds', lease.token)
  process.stdout.write('holds\n')
  while (!lease.signal.aborted) await setTimeout(10)
  const isHeld = Number(lease.isHeld)
  const refused = await lease.release().catch(codeOf)
  note('lost', lease.token, { told, isHeld, refused: String(refused) })
}

async function takeTurns(ttlMs: number): Promise<void> {
  for (let turn = 0; turn < Number(turns); turn += 1) {
    await store.lock('turns', changeFile, { ttlMs })
  }
}

async function create(leaseMs: number): Promise<void> {
  const make = async (): Promise<string> => {
    note('began', 0, { name })
    const isFirst = readFileSync(journalPath, 'utf8').split('\n')[0]?.includes(`"${name}"`)
    await setTimeout(isFirst === true ? 3_600_000 : 200)
    return `by ${name}`
  }
  process.stdout.write(`${(await store.getOrCreate('made', make, { leaseMs })).toString()}\n`)
}

if (mode !== 'create' && mode !== 'stopped') process.stdout.write('ready\n')
if (mode === 'count') await count(Number(time))
if (mode === 'stopped') await holdUntilLost(Number(time))
if (mode === 'turns' || mode === 'stopped') await takeTurns(Number(time))
if (mode === 'create') await create(Number(time))
