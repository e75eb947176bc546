/**
 * What an NFS client remembers and should not: host a changes a key, and host b, which has looked
 * at it before, does so again; once through linkstore and once by plain calls of the file system.
 *
 *     nfs-visibility-worker ROOT_A ROOT_B ROUNDS
 */
import { mkdirSync } from 'node:fs'
import { link, readFile, rename, unlink } from 'node:fs/promises'
import { hashKey, open } from '../../index.js'
import { report } from './channel.js'
import { keyInOldShard, type VisibilityReport } from './nfs-plan.js'

/** How host b uses the store. */
interface Look {
  get(key: string): Promise<string | undefined>
  delete(key: string): Promise<boolean>
  take(key: string): Promise<string | undefined>
}

/** One of the cases: whether host b was right in one round. */
type Round = (b: Look, key: string) => Promise<boolean>

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
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
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

const foundOnceWritten: Round = async (b, key) => {
  if ((await b.get(key)) !== undefined) return false
  await a.set(key, 'v1')
  return (await b.get(key)) === 'v1'
}

const overwritten: Round = async (b, key) => {
  await a.set(key, 'v1')
  if ((await b.get(key)) !== 'v1') return false
  await link(objectPath(rootA, key), `${rootA}/.tmp/plain/keeps-${(names += 1)}`)
  await a.set(key, 'v2')
  return (await b.get(key)) === 'v2'
}

const removedOnceWritten: Round = async (b, key) => {
  if ((await b.get(key)) !== undefined) return false
  await a.set(key, 'v1')
  return await b.delete(key)
}

const takenOnceWritten: Round = async (b, key) => {
  if ((await b.get(key)) !== undefined) return false
  await a.set(key, 'v1')
  return (await b.take(key)) === 'v1'
}

const CASES: Readonly<Record<VisibilityReport['name'], Round>> = {
  'a key that was missed is found once it is written': foundOnceWritten,
  'a value is not read again once it is overwritten, though a link keeps it': overwritten,
  'a key that was missed can be removed once it is written': removedOnceWritten,
  'a key that was missed can be taken once it is written': takenOnceWritten,
  'a key that was missed is found, though its shard was not there either': foundOnceWritten,
}

async function countWrong(round: Round, look: Look, keys: readonly string[]): Promise<number> {
  let wrong = 0
  for (const key of keys) if (!(await round(look, key))) wrong += 1
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
    wrong: await countWrong(round, throughLinkstore, keysOf('linkstore')),
    wrongPlain: await countWrong(round, byPlainCalls, keysOf('plain')),
  })
}
await a.close()
await b.close()
