/**
 * What cells, leases and queues cost on NFS, warm and uncontended, in calls to the server. Where
 * two are given, it depends on the server's clock whether the second READ of a file is spared.
 */
export type CostRow = readonly [name: string, nfs4: readonly string[], nfs3: readonly string[]]

/**
 * What one increment costs those that the benchmark compares. What a client does about delegations
 * depends on when the server gives them; flock on NFS 3 with `nolock` is not seen by the server.
 */
const COUNTED_COSTS: readonly CostRow[] = [
  [
    'linkstore, lock',
    orSpared(
      '7 GETATTR, 3 LINK, 5 OPEN, ACCESS, 3 WRITE, 2 READ, 5 CLOSE, RENAME, 2 READDIR, 3 REMOVE',
      '2 READ',
      'READ',
    ),
    orSpared(
      '9 GETATTR, 3 LOOKUP, MKDIR, 3 CREATE, 3 LINK, 5 ACCESS, 3 WRITE, 2 READ, RENAME, ' +
        '3 READDIR, RMDIR, 3 REMOVE',
      '5 ACCESS, 3 WRITE, 2 READ',
      '4 ACCESS, 3 WRITE, READ',
    ),
  ],
  [
    'proper-lockfile, write-file-atomic',
    ['GETATTR, LOOKUP, CREATE, 2 OPEN, 2 SETATTR, WRITE, READ, 2 CLOSE, RENAME, REMOVE'],
    orSpared(
      'GETATTR, 2 LOOKUP, MKDIR, CREATE, ACCESS, 2 SETATTR, WRITE, READ, RENAME, RMDIR',
      'READ, ',
    ),
  ],
  [
    'proper-lockfile, writeFile',
    ['CREATE, 2 OPEN, SETATTR, WRITE, 2 CLOSE, REMOVE'],
    orSpared('2 GETATTR, MKDIR, SETATTR, WRITE, READ, RMDIR', 'READ, '),
  ],
  [
    'flock, fsync + rename',
    [
      '3 OPEN, LOCK, WRITE, LOCKU, 3 CLOSE, RENAME, 2 DELEGRETURN, FREE_STATEID',
      '3 OPEN, LOCK, WRITE, LOCKU, 3 CLOSE, RENAME, DELEGRETURN, FREE_STATEID',
      '3 OPEN, LOCK, WRITE, LOCKU, 3 CLOSE, RENAME, FREE_STATEID',
    ],
    [],
  ],
  [
    'flock, written over',
    [
      'GETATTR, OPEN, LOCK, WRITE, READ, LOCKU, CLOSE, DELEGRETURN, FREE_STATEID',
      'OPEN, LOCK, WRITE, LOCKU, CLOSE, FREE_STATEID',
    ],
    [],
  ],
]

/** A cost, and the same where something less is done. */
function orSpared(counts: string, part: string, less = ''): string[] {
  return [counts, counts.replace(part, less)]
}

/** All rows, as measured. */
export const COSTS: readonly CostRow[] = [
  ['cell, read', ['2 GETATTR'], ['2 GETATTR, MKDIR, READDIR, RMDIR']],
  [
    'cell, read, just changed by another host',
    ['2 GETATTR, OPEN, ACCESS, READ, CLOSE, READDIR'],
    ['3 GETATTR, MKDIR, 2 ACCESS, READ, READDIR, RMDIR'],
  ],
  [
    'cell, update',
    ['4 GETATTR, LINK, OPEN, WRITE, CLOSE, READDIR, REMOVE'],
    ['4 GETATTR, LOOKUP, MKDIR, CREATE, LINK, ACCESS, WRITE, 2 READDIR, RMDIR, REMOVE'],
  ],
  [
    'lease and release',
    [
      '6 GETATTR, 2 LINK, 3 OPEN, 2 WRITE, READ, 3 CLOSE, 2 READDIR, 2 REMOVE',
      '6 GETATTR, 2 LINK, 3 OPEN, 2 WRITE, 3 CLOSE, 2 READDIR, 2 REMOVE',
    ],
    [
      '7 GETATTR, 2 LOOKUP, MKDIR, 2 CREATE, 2 LINK, 3 ACCESS, 2 WRITE, READ, 3 READDIR, RMDIR, ' +
        '2 REMOVE',
      '7 GETATTR, 2 LOOKUP, MKDIR, 2 CREATE, 2 LINK, 2 ACCESS, 2 WRITE, 3 READDIR, RMDIR, ' +
        '2 REMOVE',
    ],
  ],
  ['queue, push', ['OPEN, WRITE, CLOSE, RENAME'], ['LOOKUP, CREATE, WRITE, RENAME']],
  [
    'queue, claim and ack',
    ['OPEN, READ, CLOSE, 2 RENAME, REMOVE'],
    ['GETATTR, ACCESS, READ, 2 RENAME, REMOVE'],
  ],
  ...COUNTED_COSTS,
]
