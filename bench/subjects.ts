/** The table of what is measured against each other. */
import type { OpenOptions, SyncOpenOptions } from '../index.js'
import { bareCalls, floor, MAX_BARE_BYTES } from './subjects/bare-calls.js'
import {
  cacacheSubject,
  flatCacheSubject,
  keyvSubject,
  unstorageSubject,
} from './subjects/caches.js'
import { contestant } from './subjects/contestant.js'
import { levelSubject, lmdbSubject, sqliteSubject } from './subjects/databases.js'
import {
  fileSubject,
  linkingSubject,
  lockedSubject,
  writeAndRename,
  writeFlushed,
  writeUnflushed,
} from './subjects/files.js'
import { storeSubject, syncStoreSubject } from './subjects/linkstore.js'
import { threadSubject } from './subjects/worker-thread.js'
import {
  ALL_OPERATIONS,
  READS,
  type Entry,
  type Operation,
  type Promised,
  type Subject,
} from './subjects/subject.js'

const FULL = 'value and name flushed'
const FILE = 'value flushed'
const NONE = 'nothing flushed'

/** How what is only read is filled, too. */
const UNFLUSHED = { durability: 'none' } as const
const CACHE = { maxBytes: 64 * 2 ** 20 }
/** What keeps all values in one place, or turns them into text. */
const SMALL_BYTES = 64 * 1024

/** What is read, what writes and promises what, and which calls always return at once. */
type How = Partial<Omit<Entry, 'name' | 'contend' | 'isSync'>> & {
  readonly isSync?: boolean | readonly Operation[]
}

/**
 * All subjects. Within a comparison the first of those that take part is what the others are held
 * to. Some are there twice: their reads are measured once, their writes by what they promise.
 */
export const SUBJECTS: readonly Entry[] = [
  store('linkstore', { promised: FULL }, { durability: 'full' }),
  store('linkstore, durability file', { promised: FILE }, { durability: 'file' }),
  store('linkstore, durability none', { promised: NONE }, UNFLUSHED),
  store('linkstore', { isRead: true }, UNFLUSHED),
  store('linkstore, reads open', { isRead: true }, { ...UNFLUSHED, reads: 'open' }),
  store('linkstore, cached', { isRead: true }, { ...UNFLUSHED, cache: CACHE }),
  store(
    'linkstore, inline false',
    { promised: NONE, isRead: true },
    { ...UNFLUSHED, inline: false },
  ),
  subject('openSync in a worker thread', {}, threadSubject),
  syncStore('linkstore sync', { promised: FULL }, { durability: 'full' }),
  syncStore('linkstore sync', { isRead: true }, UNFLUSHED),
  syncStore('linkstore sync, durability none', { promised: NONE }, UNFLUSHED),
  bare('floor', (arena) => floor('floor', arena, 'get'), ['get', 'set, overwriting']),
  bare('fs sync calls', (arena) => bareCalls('fs sync calls', arena, () => true), [
    'get',
    'set, overwriting',
  ]),
  syncStore('linkstore sync, reads open', { isRead: true }, { ...UNFLUSHED, reads: 'open' }),
  bare('floor, reads open', (arena) => floor('floor, reads open', arena, 'open'), ['get']),
  syncStore('linkstore sync, cached', { isRead: true }, { ...UNFLUSHED, cache: CACHE }),
  lmdb(NONE, true),
  lmdb(FULL, false),
  subject('naive link + promises', { isRead: true }, linkingSubject),
  subject('readFile', { isRead: true }, (path) => fileSubject(path, writeAndRename)),
  subject('unstorage fs', { promised: NONE, isRead: true }, unstorageSubject),
  subject('cacache', { promised: NONE, isRead: true }, cacacheSubject),
  subject('keyv-file', { promised: NONE, isRead: true, maxValueBytes: SMALL_BYTES }, keyvSubject),
  subject(
    'flat-cache',
    {
      promised: NONE,
      isRead: true,
      maxValueBytes: SMALL_BYTES,
      isSync: ALL_OPERATIONS,
    },
    flatCacheSubject,
  ),
  subject('write-file-atomic', { promised: FILE }, (path) => fileSubject(path, writeFlushed)),
  subject('write-file-atomic, no fsync', { promised: NONE }, (path) =>
    fileSubject(path, writeUnflushed),
  ),
  subject('writeFile + rename', { promised: NONE }, (path) => fileSubject(path, writeAndRename)),
  subject('proper-lockfile', { promised: NONE, isRead: true }, lockedSubject),
  level(NONE, true),
  level(FULL, false),
  sqlite(NONE, true),
  sqlite(FULL, false),
]

/**
 * The subject that is measured beside those that promise more than it does: there is no other to
 * replace a single file by.
 */
export const PROMISES_LESS = 'write-file-atomic'

function entry(name: string, how: How, contend: Entry['contend']): Entry {
  const { isSync = false, ...others } = how
  return {
    name,
    promised: undefined,
    isRead: false,
    operations: ALL_OPERATIONS,
    maxValueBytes: Infinity,
    ...others,
    isSync: (operation) => (typeof isSync === 'boolean' ? isSync : isSync.includes(operation)),
    contend,
  }
}

function subject(
  name: string,
  how: How,
  open: (directory: string) => Subject | Promise<Subject>,
): Entry {
  const whole = entry(name, how, async (arena) =>
    contestant(name, await open(arena.directory), arena, whole.isSync),
  )
  return whole
}

function store(name: string, how: How, options: OpenOptions): Entry {
  return subject(name, how, (directory) => storeSubject(directory, options))
}

function syncStore(name: string, how: How, options: SyncOpenOptions): Entry {
  return subject(name, { ...how, isSync: true }, (directory) =>
    syncStoreSubject(directory, options),
  )
}

function bare(name: string, contend: Entry['contend'], operations: readonly Operation[]): Entry {
  const how = { promised: NONE, isRead: true, isSync: true, maxValueBytes: MAX_BARE_BYTES } as const
  return entry(name, { ...how, operations }, contend)
}

/** Reads return at once; writes are gathered until the next turn of the event loop. */
function lmdb(promised: Promised, isRead: boolean): Entry {
  return subject('lmdb', { promised, isRead, isSync: READS }, (directory) =>
    lmdbSubject(directory, promised === FULL),
  )
}

function level(promised: Promised, isRead: boolean): Entry {
  return subject('classic-level', { promised, isRead }, (directory) =>
    levelSubject(directory, promised === FULL),
  )
}

function sqlite(promised: Promised, isRead: boolean): Entry {
  return subject('SQLite', { promised, isRead, isSync: true }, (directory) =>
    sqliteSubject(directory, promised === FULL ? 'FULL' : 'OFF'),
  )
}
