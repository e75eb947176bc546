/** What each verb costs on a local file system; `npm run calls` measures and writes it. */
import type { Row } from './row.js'

/** All rows, in the order of verbs.ts. */
export const ROWS: readonly Row[] = [
  {
    verb: 'open of a new store',
    calls: `
      mkdir root, access root, statfs root, open marker: ENOENT, open root, fstat root,
      2 getdents root, close root, lstat root, mkdir instance: ENOENT, mkdir .tmp, mkdir instance,
      open private a, write private a, fsync private a, close private a, link private a → marker,
      unlink private a, open root, fsync root, close root, open parent, fsync parent,
      close parent, open marker, fstat marker, read marker, close marker`,
    awaited: `
      mkdir, access, statfs, open, readdir, lstat, 3 mkdir, open, write, fsync, close, link,
      unlink, open, fsync, close, open, fsync, close, open, fstat, read, close`,
    later: '',
  },
  {
    verb: 'open',
    calls: `
      mkdir root: EEXIST, access root, statfs root, open marker, fstat marker, read marker,
      close marker`,
    awaited: 'mkdir, access, statfs, open, fstat, read, close',
    later: '',
  },
  {
    verb: 'close',
    calls: 'rmdir instance',
    awaited: 'rmdir',
    later: '',
  },
  {
    verb: 'get',
    calls: `
      link object → private a, open private a, read private a, close private a, unlink private a`,
    awaited: 'link, open, read',
    later: 'close, unlink',
  },
  {
    verb: 'get, large',
    calls: `
      link object → private a, open private a, read private a, fstat private a, 2 read private a,
      close private a, unlink private a`,
    awaited: 'link, open, read, fstat, 2 read',
    later: 'close, unlink',
  },
  {
    verb: 'get, absent',
    calls: 'link object → private a: ENOENT, lstat object: ENOENT, lstat marker',
    awaited: 'link, 2 lstat',
    later: '',
  },
  {
    verb: "get with `reads: 'open'`",
    calls: 'open object, read object, close object',
    awaited: 'open, read',
    later: 'close',
  },
  {
    verb: "get with `reads: 'open'`, large",
    calls: 'open object, read object, fstat object, 2 read object, close object',
    awaited: 'open, read, fstat, 2 read',
    later: 'close',
  },
  {
    verb: "get with `reads: 'open'`, absent",
    calls: 'open object: ENOENT, lstat object: ENOENT, lstat marker',
    awaited: 'open, 2 lstat',
    later: '',
  },
  {
    verb: 'get with `cache`, the first',
    calls: `
      link object → private a, open private a, read private a, fstat private a, close private a`,
    awaited: 'link, open, read, fstat',
    later: 'close',
  },
  {
    verb: 'get from memory',
    calls: 'lstat object',
    awaited: 'lstat',
    later: '',
  },
  {
    verb: 'get, raw',
    calls: `
      link object → private a, open private a, fstat private a, read private a, close private a,
      unlink private a`,
    awaited: 'link, open, fstat, read',
    later: 'close, unlink',
  },
  {
    verb: 'get, raw, large',
    calls: `
      link object → private a, open private a, fstat private a, read private a, close private a,
      unlink private a`,
    awaited: 'link, open, fstat, read',
    later: 'close, unlink',
  },
  {
    verb: 'read, a range, and close',
    calls: `
      link object → private a, open private a, read private a, fstat private a, 2 read private a,
      close private a, unlink private a`,
    awaited: 'link, open, read, fstat, 2 read',
    later: 'close, unlink',
  },
  {
    verb: 'has',
    calls: 'open object, fstat object, read object, close object',
    awaited: 'open, fstat, read',
    later: 'close',
  },
  {
    verb: 'stat',
    calls: 'open object, fstat object, read object, close object',
    awaited: 'open, fstat, read',
    later: 'close',
  },
  {
    verb: 'has or stat, absent',
    calls: 'open object: ENOENT, lstat object: ENOENT, lstat marker',
    awaited: 'open, 2 lstat',
    later: '',
  },
  {
    verb: 'stat, raw',
    calls: 'lstat object',
    awaited: 'lstat',
    later: '',
  },
  {
    verb: 'set',
    calls: `
      open private a, writev private a, fsync private a, close private a,
      rename private a → object, open shard, fsync shard, close shard`,
    awaited: 'open, writev, fsync, close, rename, open, fsync, close',
    later: '',
  },
  {
    verb: "set with `durability: 'file'`",
    calls: `
      open private a, writev private a, fsync private a, close private a,
      rename private a → object`,
    awaited: 'open, writev, fsync, close, rename',
    later: '',
  },
  {
    verb: "set with `durability: 'none'`",
    calls: 'open private a, writev private a, close private a, rename private a → object',
    awaited: 'open, writev, close, rename',
    later: '',
  },
  {
    verb: 'set, large',
    calls: `
      open private a, write private a, writev private a, fsync private a, close private a,
      rename private a → object, open shard, fsync shard, close shard`,
    awaited: 'open, write, writev, fsync, close, rename, open, fsync, close',
    later: '',
  },
  {
    verb: 'set, raw',
    calls: `
      open private a, write private a, fsync private a, close private a,
      rename private a → object, open shard, fsync shard, close shard`,
    awaited: 'open, write, fsync, close, rename, open, fsync, close',
    later: '',
  },
  {
    verb: 'set with `fileMode`',
    calls: `
      open private a, fchmod private a, writev private a, fsync private a, close private a,
      rename private a → object, open shard, fsync shard, close shard`,
    awaited: 'open, fchmod, writev, fsync, close, rename, open, fsync, close',
    later: '',
  },
  {
    verb: 'set, into a new directory',
    calls: `
      open private a, writev private a, fsync private a, close private a,
      rename private a → target: ENOENT, lstat marker, mkdir target outer, mkdir target shard,
      rename private a → target, open target shard, fsync target shard, close target shard,
      open target outer, fsync target outer, close target outer, open root, fsync root, close root`,
    awaited: `
      open, writev, fsync, close, rename, lstat, 2 mkdir, rename, open, fsync, close, open, fsync,
      close, open, fsync, close`,
    later: '',
  },
  {
    verb: "set with `durability: 'file'`, into a new directory",
    calls: `
      open private a, writev private a, fsync private a, close private a,
      rename private a → target: ENOENT, lstat marker, mkdir target outer, mkdir target shard,
      rename private a → target`,
    awaited: 'open, writev, fsync, close, rename, lstat, 2 mkdir, rename',
    later: '',
  },
  {
    verb: "set with `durability: 'none'`, into a new directory",
    calls: `
      open private a, writev private a, close private a, rename private a → target: ENOENT,
      lstat marker, mkdir target outer, mkdir target shard, rename private a → target`,
    awaited: 'open, writev, close, rename, lstat, 2 mkdir, rename',
    later: '',
  },
  {
    verb: 'add, won',
    calls: `
      open private a, writev private a, fsync private a, close private a, link private a → object,
      open shard, fsync shard, close shard, unlink private a`,
    awaited: 'open, writev, fsync, close, link, open, fsync, close',
    later: 'unlink',
  },
  {
    verb: 'add, lost',
    calls: `
      open private a, writev private a, fsync private a, close private a,
      link private a → object: EEXIST, lstat private a, 2 lstat object, lstat .expiring: ENOENT,
      unlink private a`,
    awaited: 'open, writev, fsync, close, link, 4 lstat',
    later: 'unlink',
  },
  {
    verb: 'delete',
    calls: 'lstat .expiring: ENOENT, unlink object, open shard, fsync shard, close shard',
    awaited: 'lstat, unlink, open, fsync, close',
    later: '',
  },
  {
    verb: 'delete, absent',
    calls: 'lstat .expiring: ENOENT, unlink object: ENOENT, lstat object: ENOENT, lstat marker',
    awaited: 'lstat, unlink, 2 lstat',
    later: '',
  },
  {
    verb: 'delete, in a store with `ttlMs`',
    calls: `
      lstat .expiring, open object, fstat object, read object, close object, unlink object,
      open shard, fsync shard, close shard`,
    awaited: 'lstat, open, fstat, read, unlink, open, fsync, close',
    later: 'close',
  },
  {
    verb: 'take',
    calls: `
      rename object → private a, open private a, read private a, open shard, fsync shard,
      close shard, close private a, unlink private a`,
    awaited: 'rename, open, read, open, fsync, close',
    later: 'close, unlink',
  },
  {
    verb: 'take, large',
    calls: `
      rename object → private a, open private a, read private a, fstat private a,
      3 read private a, open shard, fsync shard, close shard, read private a, close private a,
      unlink private a`,
    awaited: 'rename, open, read, fstat, 3 read, open, fsync, close, read',
    later: 'close, unlink',
  },
  {
    verb: 'take, absent',
    calls: `
      rename object → private a: ENOENT, lstat private a: ENOENT, lstat object: ENOENT,
      lstat marker`,
    awaited: 'rename, 3 lstat',
    later: '',
  },
  {
    verb: 'copy',
    calls: `
      link object → private a, open private a, read private a, close private a, unlink private a,
      open private b, writev private b, fsync private b, close private b,
      rename private b → target, open target shard, fsync target shard, close target shard`,
    awaited: 'link, open, read, open, writev, fsync, close, rename, open, fsync, close',
    later: 'close, unlink',
  },
  {
    verb: 'rename',
    calls: `
      link object → private a, open private a, read private a, close private a, unlink private a,
      open private b, writev private b, fsync private b, close private b,
      rename private b → target, open target shard, fsync target shard, close target shard,
      open object, fstat object, read object, close object, lstat .expiring: ENOENT,
      unlink object, open shard, fsync shard, close shard`,
    awaited: `
      link, open, read, open, writev, fsync, close, rename, open, fsync, close, open, fstat, read,
      lstat, unlink, open, fsync, close`,
    later: '2 close, unlink',
  },
  {
    verb: 'rename, raw',
    calls: `
      rename object → target, open target shard, fsync target shard, close target shard,
      open shard, fsync shard, close shard`,
    awaited: 'rename, open, fsync, close, open, fsync, close',
    later: '',
  },
  {
    verb: 'keys, 3 objects in 2 directories',
    calls: `
      open root, fstat root, 2 getdents root, close root, lstat marker, open target outer,
      fstat target outer, 2 getdents target outer, close target outer, open target shard,
      fstat target shard, 2 getdents target shard, close target shard, open target, fstat target,
      read target, close target, open outer, fstat outer, 2 getdents outer, close outer,
      open shard, fstat shard, 2 getdents shard, close shard, open neighbour, fstat neighbour,
      read neighbour, close neighbour, open object, fstat object, read object, close object`,
    awaited: `
      readdir, lstat, 3 readdir, open, fstat, read, open, fstat, read, readdir, open, fstat, read`,
    later: '3 close',
  },
  {
    verb: 'count, 3 objects in 2 directories',
    calls: `
      lstat .expiring: ENOENT, open root, fstat root, 2 getdents root, close root, lstat marker,
      open target outer, fstat target outer, 2 getdents target outer, close target outer,
      open target shard, fstat target shard, 2 getdents target shard, close target shard,
      open outer, fstat outer, 2 getdents outer, close outer, open shard, fstat shard,
      2 getdents shard, close shard`,
    awaited: 'lstat, readdir, lstat, 4 readdir',
    later: '',
  },
]
