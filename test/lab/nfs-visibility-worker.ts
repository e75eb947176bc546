/**
 * What an NFS client remembers and should not: host a changes a key, and host b, which has looked
 * at it before, does so again; once through linkstore and once by plain calls of the file system.
 *
 *     nfs-visibility-worker ROOT_A ROOT_B ROUNDS
 */
import { mkdirSync } from 'node:fs'
import { link, open as openFile, readFile, rename, unlink } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { hashKey, open } from '../../index.js'
import { RESTLESS } from '../simulation/judgement.js'
import { report } from './channel.js'
import { keyInOldShard, type VisibilityReport } from './nfs-plan.js'

/** How host b uses the store. */
interface Look {
  get(key: string): Promise<string | undefined>
  delete(key: string): Promise<boolean>
  take(key: string): Promise<string | undefined>
}

/** One of the cases: what was wrong in one round; undefined when nothing was. */
type Round = (b: Look, key: string) => Promise<string | undefined>

/** Until host b takes what host a overwrites. */
const MAX_DELAY_MS = 20

const [rootA = '', rootB = '', rounds = ''] = process.argv.slice(2)
const a = await open(rootA, { durability: 'none' })
const b = await open(rootB, { durability: 'none' })

function objectPath(root: string, key: string): string {
  const hash = hashKey(key)
  return `${root}/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`
}

const throughLinkstore: Look = {
  get: async (key) => (await b.get(key))?.toString(),
  delete: (key) => b.delete(key),
  take: async (key) => (await b.take(key))?.toString(),
}

const plainRoot = `${rootB}/.tmp/plain`
let names = 0

/** A change of names, if it finds what it is about. */
async function succeeds(change: Promise<void>): Promise<boolean> {
  try {
    await change
    return true
  } catch (error) {
    const { ENOENT, ESTALE } = constants.errno
    const { errno = 0 } = error as NodeJS.ErrnoException
    if (![ENOENT, ESTALE].includes(-errno)) throw error
    return false
  }
}

/** The value of a private name, which has two letters, without the footer; removes the name. */
async function valueAt(path: string): Promise<string> {
  const bytes = await readFile(path)
  await unlink(path)
  return bytes.toString('utf8', 0, 2)
}

const byPlainCalls: Look = {
  get: async (key) => {
    const path = `${plainRoot}/${(names += 1)}`
    return (await succeeds(link(objectPath(rootB, key), path))) ? await valueAt(path) : undefined
  },
  delete: (key) => succeeds(unlink(objectPath(rootB, key))),
  take: async (key) => {
    const path = `${plainRoot}/${(names += 1)}`
    return (await succeeds(rename(objectPath(rootB, key), path))) ? await valueAt(path) : undefined
  },
}

/** Tells of an answer unless it is the right one. */
function differs(what: string, seen: unknown, right: unknown): string | undefined {
  return seen === right ? undefined : `${what}: ${String(seen)}, not ${String(right)}`
}

const foundOnceWritten: Round = async (b, key) => {
  const before = differs('before', await b.get(key), undefined)
  await a.set(key, 'v1')
  return before ?? differs('get', await b.get(key), 'v1')
}

const overwritten: Round = async (b, key) => {
  await a.set(key, 'v1')
  const before = differs('before', await b.get(key), 'v1')
  await link(objectPath(rootA, key), `${rootA}/.tmp/plain/keeps-${(names += 1)}`)
  await a.set(key, 'v2')
  return before ?? differs('get', await b.get(key), 'v2')
}

const removedOnceWritten: Round = async (b, key) => {
  const before = differs('before', await b.get(key), undefined)
  await a.set(key, 'v1')
  return before ?? differs('delete', await b.delete(key), true)
}

const takenOnceWritten: Round = async (b, key) => {
  const before = differs('before', await b.get(key), undefined)
  await a.set(key, 'v1')
  return before ?? differs('take', await b.take(key), 'v1')
}

/** What is replaced while it is open has no name for a moment: the client renames it first. */
const replacedWhileOpen: Round = async (b, key) => {
  await a.set(key, 'v0')
  let isDone = false
  const seen: (string | undefined)[] = []
  const look = async (): Promise<void> => {
    while (!isDone) seen.push(await b.get(key))
  }
  const change = async (): Promise<void> => {
    for (const value of ['v1', 'v2']) {
      const handle = await openFile(objectPath(rootA, key))
      await a.set(key, value)
      await handle.close()
    }
    isDone = true
  }
  await Promise.all([change(), look(), look()])
  const missed = seen.filter((value) => value === undefined).length
  return differs('missed', missed, 0) ?? differs('get', await b.get(key), 'v2')
}

/** Of a rename a client learns that it was done, not which file was renamed. */
const takenWhileOverwritten: Round = async (b, key) => {
  await a.set(key, 'v1')
  const before = differs('before', await b.get(key), 'v1')
  await link(objectPath(rootA, key), `${rootA}/.tmp/plain/keeps-${(names += 1)}`)
  const take = async (): Promise<string | undefined> => {
    await setTimeout((names % 10) * (MAX_DELAY_MS / 10))
    return await b.take(key)
  }
  const [taken] = await Promise.all([take(), a.set(key, 'v2')])
  const rest = (await a.get(key))?.toString()
  return (
    before ??
    differs(`after take of ${taken ?? 'nothing'}`, rest, taken === 'v1' ? 'v2' : undefined)
  )
}

const CASES: Readonly<Record<VisibilityReport['name'], Round>> = {
  'a key that was missed is found once it is written': foundOnceWritten,
  'a value is not read again once it is overwritten, though a link keeps it': overwritten,
  'a key that was missed can be removed once it is written': removedOnceWritten,
  'a key that was missed can be taken once it is written': takenOnceWritten,
  'a key that was missed is found, though its shard was not there either': foundOnceWritten,
  'a key is not missed while a host replaces it that has it open': replacedWhileOpen,
  'of a value and the one that replaces it each is taken or stays': takenWhileOverwritten,
}

/** On NFS 3 what a call sees may contradict itself for as long as it looks. */
function givenUp(error: unknown): string {
  if (!RESTLESS.test(String(error))) throw error
  return `given up: ${String(error)}`
}

async function wrongIn(round: Round, look: Look, keys: readonly string[]): Promise<string[]> {
  const wrong: string[] = []
  for (const key of keys) {
    const what = await round(look, key).catch(givenUp)
    if (what !== undefined) wrong.push(what)
  }
  return wrong
}

mkdirSync(plainRoot, { recursive: true })
for (let shard = 0; shard < 16; shard += 1) await a.set(keyInOldShard(`shard ${shard}`), '')
for (const [number, [name, round]] of Object.entries(CASES).entries()) {
  const keysOf = (who: string): string[] =>
    Array.from({ length: Number(rounds) }, (_, i) => {
      const key = `${number} ${who} ${i}`
      return name.includes('its shard') ? key : keyInOldShard(key)
    })
  report({
    name,
    rounds: Number(rounds),
    isRace: round === replacedWhileOpen || round === takenWhileOverwritten,
    wrong: await wrongIn(round, throughLinkstore, keysOf('linkstore')),
    wrongPlain: await wrongIn(round, byPlainCalls, keysOf('plain')),
  })
}
await a.close()
await b.close()
