/** What each call costs on NFS, in calls of the client to the server. */
import type { RpcCounts } from './rpc-counter.js'

/** What a worker reports. */
export interface Cost {
  readonly version: string
  readonly name: string
  readonly isAsynchronous: boolean
  readonly counts: RpcCounts
}

/**
 * The calls that one row costs, on NFS 4.0, 4.1 and 4.2 and on NFS 3; undefined where it depends
 * on the server's clock, whose ticks tell the client of changes.
 */
export type Row = readonly [name: string, nfs4: string, nfs3: string | undefined]

const SET = 'OPEN, WRITE, CLOSE, RENAME'
const SET_3 = 'LOOKUP, CREATE, WRITE, RENAME'

/** All rows, as measured. */
export const ROWS: readonly Row[] = [
  ['set, new', SET, SET_3],
  ['set, overwriting', SET, SET_3],
  [
    'set with `fileMode`',
    'OPEN, SETATTR, WRITE, CLOSE, RENAME',
    'LOOKUP, CREATE, SETATTR, WRITE, RENAME',
  ],
  ['set with `ttlMs`', SET, SET_3],
  ["set with `durability: 'none'`", SET, SET_3],
  [
    'get',
    'GETATTR, LINK, OPEN, ACCESS, READ, CLOSE, REMOVE',
    '2 GETATTR, LINK, ACCESS, READ, REMOVE',
  ],
  ["get with `reads: 'open'`", 'GETATTR, OPEN, CLOSE', '2 GETATTR'],
  ['get from memory', 'GETATTR', 'GETATTR'],
  ['has', 'GETATTR, OPEN, CLOSE', '2 GETATTR'],
  ['stat', 'GETATTR, OPEN, CLOSE', '2 GETATTR'],
  ['get or has, absent', '3 GETATTR', '3 GETATTR'],
  ['add, won', 'LINK, OPEN, WRITE, CLOSE, REMOVE', 'LOOKUP, CREATE, LINK, ACCESS, WRITE, REMOVE'],
  [
    'add, lost',
    '2 GETATTR, LOOKUP, OPEN, WRITE, CLOSE, REMOVE',
    '2 GETATTR, 2 LOOKUP, CREATE, WRITE, REMOVE',
  ],
  ['delete', 'GETATTR, REMOVE', 'GETATTR, REMOVE'],
  ['delete, absent', '3 GETATTR', '3 GETATTR'],
  [
    'delete, in a store with `ttlMs`',
    'GETATTR, OPEN, READ, CLOSE, REMOVE',
    '2 GETATTR, ACCESS, READ, REMOVE',
  ],
  [
    'take',
    'GETATTR, LOOKUP, OPEN, READ, CLOSE, RENAME, REMOVE',
    '2 GETATTR, LOOKUP, ACCESS, READ, RENAME, REMOVE',
  ],
  [
    'copy',
    'GETATTR, LINK, 2 OPEN, ACCESS, WRITE, READ, 2 CLOSE, RENAME, REMOVE',
    '2 GETATTR, LOOKUP, CREATE, LINK, ACCESS, WRITE, READ, RENAME, REMOVE',
  ],
  [
    'rename',
    '3 GETATTR, LINK, 3 OPEN, ACCESS, WRITE, 2 READ, 3 CLOSE, RENAME, 2 REMOVE',
    '5 GETATTR, LOOKUP, CREATE, LINK, 2 ACCESS, WRITE, 2 READ, RENAME, 2 REMOVE',
  ],
  ['list, each object', 'GETATTR, OPEN, CLOSE', '2 GETATTR'],
  ['count, each directory', 'GETATTR', 'GETATTR'],
  [
    'get, just replaced by another host',
    'GETATTR, 2 LOOKUP, LINK, OPEN, 2 ACCESS, READ, CLOSE, REMOVE',
    undefined,
  ],
  [
    "get with `reads: 'open'`, just replaced by another host",
    'GETATTR, LOOKUP, OPEN, ACCESS, READ, CLOSE',
    undefined,
  ],
  [
    'set, into a new directory',
    'GETATTR, LOOKUP, 2 CREATE, OPEN, 2 ACCESS, WRITE, CLOSE, RENAME',
    'GETATTR, 2 LOOKUP, 2 MKDIR, CREATE, 2 ACCESS, WRITE, RENAME',
  ],
  ['open and close', 'STATFS, GETATTR, LOOKUP, OPEN, CLOSE', 'FSSTAT, 2 GETATTR, LOOKUP'],
  [
    'get, cold',
    '6 LOOKUP, LINK, OPEN, 7 ACCESS, READ, CLOSE, REMOVE',
    'GETATTR, 6 LOOKUP, LINK, 8 ACCESS, READ, REMOVE',
  ],
  [
    "get with `reads: 'open'`, cold",
    '3 LOOKUP, OPEN, 4 ACCESS, READ, CLOSE',
    '4 LOOKUP, 5 ACCESS, READ',
  ],
  [
    'set, cold',
    '5 LOOKUP, OPEN, 6 ACCESS, WRITE, CLOSE, RENAME',
    '6 LOOKUP, CREATE, 6 ACCESS, WRITE, RENAME',
  ],
  ['delete, cold', '5 LOOKUP, 4 ACCESS, REMOVE', '5 LOOKUP, 4 ACCESS, REMOVE'],
]

/** What these may cost at most, warm, on any version. */
export const BUDGET: Readonly<Record<string, number>> = {
  'set, new': 4,
  'set, overwriting': 4,
  get: 7,
  "get with `reads: 'open'`": 3,
  delete: 2,
}

/**
 * Whether counts are those of a row. Of two READs of one file the second may be spared: it is if
 * the server's clock has not ticked since the first. And on NFS 3, where that clock tells of
 * changes, a host may ask once more what it may do, if it ticked between two changes of its own.
 */
export function isKnown(found: string, expected: string | undefined, isVersion3: boolean): boolean {
  if (expected === undefined) return true
  const known = [expected, expected.replace('2 READ', 'READ')]
  return known.includes(found) || (isVersion3 && known.map(withOneAccessMore).includes(found))
}

function withOneAccessMore(counts: string): string {
  return counts.replace(/(\d+ )?ACCESS/, (_, count = '1') => `${Number(count) + 1} ACCESS`)
}

/** How many calls a description such as `2 GETATTR, REMOVE` stands for. */
export function callsIn(description: string): number {
  return description.split(', ').reduce((sum, each) => sum + (parseInt(each, 10) || 1), 0)
}

/** The rows as the documentation has them. */
export function documentLines(): string[] {
  return ROWS.map(([name, nfs4, nfs3]) => {
    const calls3 = nfs3 === undefined ? 'varies' : callsIn(nfs3)
    return `| ${name} | ${callsIn(nfs4)} | ${calls3} | ${nfs4} |`
  })
}
