import {
  measureStage,
  readersOf,
  together,
  writersOf,
  type CallKind,
  type Effort,
  type Found,
  type Stage,
} from '../calls.js'
import type { Options } from '../results.js'
import { SUBJECTS } from '../subjects.js'
import { firstKeys, loadOf } from '../subjects/load.js'
import type { Operation, Promised } from '../subjects/subject.js'
import type { Question } from './question.js'

const VALUE_BYTES = 1024
const KEYS = 256
const PROMISES: readonly Promised[] = ['nothing flushed', 'value flushed', 'value and name flushed']

/** How long does it take to write and to read a small value, one at a time and many at once? */
export const smallValues: Question = {
  name: 'small-values',
  asks: 'How long does it take to read and to write small values?',
  explains: `1 KiB under each of ${KEYS} keys, read, overwritten and written under new keys: one
call at a time, and with 16 and 64 under way. Whatever is read is compared with what was written,
and after each round of writing the values are read back. Writes are compared only with writes
that promise as much; \`write-file-atomic\`, which flushes the value and not its name, also stands
beside those that flush both, as nothing that is used for single files does more.

\`linkstore sync\` is \`openSync\`. The *floor* is a C program that makes the system calls of
linkstore on files of the same length and nothing else; *fs sync calls* makes them by
\`node:fs\`. \`lmdb\`, \`classic-level\` and \`SQLite\` keep all values in files of their own,
which no other host may use at the same time. \`flat-cache\` writes its whole file again at each
\`set\`.`,
  chart: { shows: 'ratios', columns: 'inFlight', only: { operation: ['get', 'set, overwriting'] } },
  whyOthersWin: {
    'linkstore sync': `Each asynchronous call goes to the threads of Node and back several times.
The synchronous face does not, and holds up everything else in the process.`,
    'linkstore sync, durability none': `As with reads, nothing waits for threads; it does one thing
at a time.`,
    'linkstore, reads open': `There is no private link to make and to remove. On a local file system
that is as safe; on NFS another host may take the file away half-way.`,
    'linkstore sync, reads open': 'No link, no threads.',
    'linkstore, cached': 'One look shows that the value in memory is still the one that is stored.',
    'linkstore sync, cached': 'The same, without a thread.',
    floor: 'It is what remains when everything but the system calls is taken away.',
    'floor, reads open': 'The same, for reads by plain open.',
    'fs sync calls': 'It makes the same system calls and checks nothing: neither key nor checksum.',
    readFile: `It opens the file and reads it, and knows neither whether the value is whole nor
whether it belongs to the key.`,
    'unstorage fs': `Reads check nothing, and writes go over the old value in place: who reads
meanwhile, or after a crash, gets a part of it.`,
    lmdb: `It reads from memory that it shares with the disk, without a system call, and gathers
writes into one transaction. It needs one host, and memory that all of its processes share.`,
    'classic-level': `It keeps what was written last in memory and appends to one log. One process
at a time may have it open.`,
    SQLite: `Values of this size lie in pages that it keeps in memory. Processes of one host
only, and one writer at a time.`,
    'flat-cache': `It is an object in the memory of one process: what others write, it does not
see.`,
    'writeFile + rename': `All writers use the same temporary name, so two of them tear the value,
and the file says nothing about itself.`,
    'write-file-atomic': 'It does not flush the name: after a power cut the old value may be back.',
  },
  measure: async (scratches, options, announce) => {
    const found: Found[] = []
    for (const scratch of scratches) {
      for (const stage of stagesOf(options)) {
        const what = `${scratch.fileSystem}, ${stage.promised ?? 'reads'}`
        const say = (progress: string): void => announce(`${what}, ${progress}`)
        found.push(await measureStage(scratch, stage, effortOf(options), say))
      }
    }
    return together(smallValues.name, found)
  },
}

function effortOf({ rounds, isShort }: Options): Effort {
  return isShort ? { rounds, roundMs: 30, turns: 3 } : { rounds, roundMs: 100, turns: 10 }
}

function stagesOf({ isShort }: Options): Stage[] {
  const load = loadOf(VALUE_BYTES, firstKeys(KEYS))
  const reads: Stage = {
    entries: readersOf(SUBJECTS),
    load,
    calls: callsOf('get', isShort ? [1, 64] : [1, 16, 64]),
  }
  const writes = PROMISES.map((promised): Stage => {
    const isFlushed = promised !== 'nothing flushed'
    const most = isFlushed ? [1, 16] : [1, 64]
    const calls = callsOf('set, overwriting', isShort ? most : [1, 16, 64])
    const added = callsOf('set, new', isShort ? (isFlushed ? [] : [64]) : [1, 64])
    return { entries: writersOf(SUBJECTS, promised), load, promised, calls: [...calls, ...added] }
  })
  return [reads, ...writes]
}

function callsOf(operation: Operation, numbers: readonly number[]): CallKind[] {
  return numbers.map((inFlight) => ({ operation, inFlight }))
}
