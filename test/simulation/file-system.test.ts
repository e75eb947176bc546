/**
 * The file system that the simulation stands on is compared with a real one: the same calls,
 * chosen at random, must answer the same. What no test can ask of a real one (a full disk, a
 * power cut, a call that is half done) is tried by itself.
 */
import { mkdirSync } from 'node:fs'
import t from 'tap'
import { FileSystem } from './file-system.js'
import { LocalMount } from './mount.js'
import { powerCuts, type Journal } from './power-cut.js'
import { MOUNT_POINT, SystemCalls } from './system-calls.js'
import { Failure } from './system-error.js'
import { randomCall, realSide, simulatedSide, type Side } from './twin.js'
import { Chance } from './walk.js'

const SEQUENCES = 150
const CALLS = 80

/** What differs between a real and a simulated file system; undefined when nothing does. */
function difference(seed: number, real: Side, simulated: Side): string | undefined {
  const chance = new Chance(seed)
  const done: string[] = []
  for (let i = 0; i < CALLS; i += 1) {
    const [text, run] = randomCall(chance)
    const [wanted, found] = [run(real), run(simulated)]
    done.push(`${text} -> ${String(wanted)}`)
    if (wanted === found) continue
    return `seed ${seed}: simulated ${String(found)} after\n${done.join('\n')}`
  }
  return undefined
}

await t.test('whatever is called, the model answers as the real file system does', async (t) => {
  const directory = t.testdir({})
  const first = 1 + (Date.now() % 1_000_000)
  t.comment(`${SEQUENCES} sequences of ${CALLS} calls, seeds from ${first}`)
  for (let seed = first; seed < first + SEQUENCES; seed += 1) {
    const root = `${directory}/${seed}`
    mkdirSync(root)
    const real = realSide(root)
    const found = difference(seed, real, simulatedSide())
    real.closeAll()
    if (found !== undefined) t.fail(found)
    if (found !== undefined) break
  }
})

function refused(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof Failure) return error.code
    throw error
  }
  return 'nothing'
}

await t.test('an inode whose last name went between lookup and link is not linked', async (t) => {
  const fileSystem = new FileSystem()
  fileSystem.create(fileSystem.root, 'a')
  const calls = new SystemCalls(new LocalMount(fileSystem))
  const effect = { call: 'link', values: [`${MOUNT_POINT}/a`, `${MOUNT_POINT}/b`] }
  const slow = calls.perform(effect)
  t.equal(slow.next().done, false, 'looked up, not linked yet')
  const inode = fileSystem.create(fileSystem.root, 'new')
  fileSystem.rename(fileSystem.root, 'new', fileSystem.root, 'a')
  t.throws(() => slow.next(), { code: 'ENOENT' }, 'though the name has never been absent')
  t.equal(fileSystem.resolve(`${MOUNT_POINT}/a`), inode)
  t.equal(fileSystem.resolve(`${MOUNT_POINT}/b`), undefined)
})

await t.test('a rename of two names of one inode does nothing', async (t) => {
  const fileSystem = new FileSystem()
  const { root } = fileSystem
  const inode = fileSystem.create(root, 'a')
  fileSystem.link(inode, root, 'b')
  fileSystem.rename(root, 'a', root, 'b')
  t.same([...fileSystem.inode(root).names.keys()], ['a', 'b'])
  t.equal(fileSystem.inode(inode).links, 2)
})

await t.test('a full disk and a full inode refuse what needs room, and nothing else', async (t) => {
  const fileSystem = new FileSystem()
  const { root } = fileSystem
  const inode = fileSystem.create(root, 'a')
  fileSystem.write(inode, 0, Buffer.from('old'))
  fileSystem.limits = { maxLinks: 1, isFull: false }
  t.equal(
    refused(() => fileSystem.link(inode, root, 'b')),
    'EMLINK',
  )
  fileSystem.limits = { maxLinks: 9, isFull: true }
  const needRoom = [
    () => fileSystem.create(root, 'b'),
    () => fileSystem.mkdir(root, 'b'),
    () => fileSystem.link(inode, root, 'b'),
    () => fileSystem.write(inode, 0, Buffer.from('new')),
  ]
  for (const run of needRoom) t.equal(refused(run), 'ENOSPC')
  t.equal(fileSystem.inode(inode).content.toString(), 'old')
  t.equal(
    refused(() => fileSystem.unlink(root, 'a')),
    'nothing',
  )
})

/** What a name holds after each power cut that is possible now. */
function after(fileSystem: FileSystem, ...path: readonly string[]): string[] {
  const left = [...powerCuts(fileSystem)].map((booted) => {
    const inode = booted.resolve([MOUNT_POINT, ...path].join('/'))
    return inode === undefined ? 'absent' : JSON.stringify(booted.inode(inode).content.toString())
  })
  return [...new Set(left)].sort()
}

/** A file system with a file `a` that holds `old` for good, in a directory `d`. */
function settled(journal: Journal): [fileSystem: FileSystem, directory: number] {
  const fileSystem = new FileSystem()
  fileSystem.journal = journal
  const directory = fileSystem.mkdir(fileSystem.root, 'd')
  const inode = fileSystem.create(directory, 'a')
  fileSystem.write(inode, 0, Buffer.from('old!'))
  fileSystem.inode(inode).isShared = true
  fileSystem.settle()
  return [fileSystem, directory]
}

function replace(fileSystem: FileSystem, directory: number, flushes: boolean): void {
  const inode = fileSystem.create(directory, 'private')
  fileSystem.write(inode, 0, Buffer.from('new!'))
  if (flushes) fileSystem.sync(inode)
  fileSystem.rename(directory, 'private', directory, 'a')
  fileSystem.inode(inode).isShared = true
}

await t.test('a power cut loses content that was not flushed, in part or wholly', async (t) => {
  const [fileSystem, directory] = settled('one')
  replace(fileSystem, directory, false)
  fileSystem.sync(directory)
  const left = ['""', '"\\u0000\\u0000\\u0000\\u0000"', '"ne"', '"new!"']
  t.same(after(fileSystem, 'd', 'a'), left)
})

await t.test('a power cut loses names whose directory was not flushed', async (t) => {
  const [fileSystem, directory] = settled('one')
  replace(fileSystem, directory, true)
  t.same(after(fileSystem, 'd', 'a'), ['"new!"', '"old!"'], 'old or new, never neither')
  fileSystem.sync(directory)
  t.same(after(fileSystem, 'd', 'a'), ['"new!"'])
  fileSystem.unlink(directory, 'a')
  t.same(after(fileSystem, 'd', 'a'), ['"new!"', 'absent'], 'a removal as well')
})

await t.test('a journal keeps the order of changes; one per directory only its own', async (t) => {
  const kept = (journal: Journal): string[] => {
    const [fileSystem, directory] = settled(journal)
    fileSystem.create(fileSystem.root, 'first')
    fileSystem.create(directory, 'second')
    const states = [...powerCuts(fileSystem)].map((booted) => {
      const first = booted.resolve(`${MOUNT_POINT}/first`) !== undefined
      const second = booted.resolve(`${MOUNT_POINT}/d/second`) !== undefined
      return `${first ? 1 : 0}${second ? 2 : 0}`
    })
    return [...new Set(states)].sort()
  }
  t.same(kept('one'), ['00', '10', '12'])
  t.same(kept('per directory'), ['00', '02', '10', '12'])
})
