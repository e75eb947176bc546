/**
 * What a power cut leaves.
 *
 * - Names. A change (make, link, unlink, rename) is one transaction: all of it is kept or nothing,
 *   also a rename from one directory to another. Transactions are kept in the order in which
 *   they were made, never a later without an earlier one of the same journal:
 *   `one`: the file system has one journal (ext4, XFS and btrfs in effect), so a prefix is kept,
 *   and flushing a directory makes durable all up to its last change.
 *   `per directory`: each directory has its own, which is the least that POSIX lets a program
 *   rely on: flushing one makes durable its own changes and what those stand on, not its name
 *   in its parent.
 * - Content. What was flushed is kept. The rest may be kept, missing from some point on, or there
 *   in length only, as zeros. A flush of a file makes no name durable.
 *
 * NFS is left out: its server commits names before it answers, and its power is not ours.
 */
import type { FileSystem, Inode, Transaction } from './file-system.js'

/** See above. */
export type Journal = 'one' | 'per directory'

/** Makes durable what flushing a directory does. */
export function flushNames(fileSystem: FileSystem, directory: number): void {
  const journals = new Set([directory])
  let isReached = false
  for (const transaction of fileSystem.transactions.toReversed()) {
    const isOurs = transaction.edits.some((edit) => journals.has(edit.directory))
    if (!isOurs && !(isReached && fileSystem.journal === 'one')) continue
    isReached = true
    transaction.durable = true
    for (const edit of transaction.edits) journals.add(edit.directory)
  }
}

/** Every state that a power cut now may leave, as a file system after the next boot. */
export function* powerCuts(fileSystem: FileSystem): Generator<FileSystem> {
  for (const kept of keptSets(fileSystem)) {
    const booted = rebuild(fileSystem, kept)
    const unsafe = [...booted.inodes.values()].filter((inode) => isUnsafe(inode))
    yield* contentsOf(booted, unsafe)
  }
}

/** The sets of transactions that may be kept, told by those that are not. */
function* keptSets(fileSystem: FileSystem): Generator<Transaction[]> {
  const { transactions, journal } = fileSystem
  const journalsOf = ({ edits }: Transaction): number[] =>
    journal === 'one' ? [0] : edits.map(({ directory }) => directory)
  // What changes private directories only is seen by nobody after a crash, so it is all kept.
  const isSeen = ({ edits }: Transaction): boolean =>
    edits.some(({ directory }) => fileSystem.inode(directory).isShared)

  function* choose(index: number, cut: ReadonlySet<number>): Generator<Transaction[]> {
    const transaction = transactions[index]
    if (transaction === undefined) {
      yield []
      return
    }
    const mayKeep = transaction.durable || !journalsOf(transaction).some((each) => cut.has(each))
    if (mayKeep) for (const rest of choose(index + 1, cut)) yield [transaction, ...rest]
    if (transaction.durable || (mayKeep && !isSeen(transaction))) return
    yield* choose(index + 1, new Set([...cut, ...journalsOf(transaction)]))
  }
  yield* choose(0, new Set())
}

/** The file system with the names that a set of transactions leads to. */
function rebuild(fileSystem: FileSystem, kept: readonly Transaction[]): FileSystem {
  const booted = fileSystem.copy()
  for (const inode of booted.inodes.values()) {
    inode.names.clear()
    const settled = fileSystem.settled.get(inode.number) ?? []
    for (const [name, number] of settled) inode.names.set(name, number)
  }
  for (const { edits } of kept) {
    for (const { directory, name, inode } of edits) {
      const { names } = booted.inode(directory)
      if (inode === undefined) names.delete(name)
      else names.set(name, inode)
    }
  }
  booted.transactions = []
  countLinks(booted)
  return booted
}

function countLinks(fileSystem: FileSystem): void {
  const counts = new Map<number, number>([[fileSystem.root, 1]])
  const visit = (directory: number): void => {
    for (const number of fileSystem.inode(directory).names.values()) {
      counts.set(number, (counts.get(number) ?? 0) + 1)
      if (fileSystem.inode(number).kind === 'directory') visit(number)
    }
  }
  visit(fileSystem.root)
  for (const inode of fileSystem.inodes.values()) {
    const links = counts.get(inode.number)
    if (links === undefined) fileSystem.inodes.delete(inode.number)
    else inode.links = links
  }
}

/** Whether the content of a file that others can see was not flushed. */
function isUnsafe({ kind, isShared, content, flushed }: Inode): boolean {
  return kind === 'file' && isShared && content !== flushed
}

function* contentsOf(booted: FileSystem, [inode, ...rest]: Inode[]): Generator<FileSystem> {
  if (inode === undefined) {
    yield booted
    return
  }
  const { number, content, flushed = Buffer.alloc(0) } = inode
  const half = content.subarray(0, Math.max(flushed.length, content.length >> 1))
  const zeros = Buffer.concat([flushed, Buffer.alloc(content.length - flushed.length)])
  for (const left of [content, flushed, half, zeros]) {
    const other = booted.copy()
    other.setContent(number, left)
    const others = rest.map((each) => other.inode(each.number))
    yield* contentsOf(other, others)
  }
}
