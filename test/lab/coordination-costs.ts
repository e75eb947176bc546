/**
 * What cells, leases and queues cost on NFS, warm and uncontended, in calls to the server. Where
 * two are given, it depends on the server's clock whether the second READ of a file is spared.
 */
export type CostRow = readonly [name: string, nfs4: readonly string[], nfs3: readonly string[]]

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
]
