import { execFile } from 'node:child_process'
import { link, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { isShardName } from '../../key.js'
import { PRIVATE_DIRECTORY } from '../../protocol/private-names.js'
import type { Exclusion, LinkCount, OtherUser, User } from '../facts.js'
import { codeOf } from '../outcome.js'
import { textOf } from './place.js'
import type { Scratch } from './scratch.js'

const MAX_NAMES = 1000
/** A user who is nobody on every system. */
const NOBODY = 65534

/** A file gets another name in another directory, and replaces what had it. */
export async function canRename(scratch: Scratch): Promise<true> {
  const target = scratch.far('renamed')
  for (const content of ['first', 'second']) {
    await rename(await scratch.file(`rename-${content}`, content), target)
    if ((await readFile(target, 'utf8')) === content) continue
    throw new Error('a file that was renamed does not have its content')
  }
  return true
}

/** A file gets a second name in another directory. */
export async function canLink(scratch: Scratch): Promise<true> {
  const source = await scratch.file('link')
  const target = scratch.far('linked')
  await link(source, target)
  const [one, other] = await Promise.all([stat(source), stat(target)])
  if (one.ino === other.ino && other.nlink === 2) return true
  throw new Error('the call succeeds, but what it makes is no second name of the file')
}

/** A link never takes a name that is taken: on this rests write-if-absent. */
export async function exclusionOf(scratch: Scratch): Promise<Exclusion> {
  const winner = await scratch.file('winner')
  const loser = await scratch.file('loser')
  const target = scratch.far('claimed')
  await link(winner, target)
  try {
    await link(loser, target)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'EEXIST'
    throw error
  }
  return (await readFile(target, 'utf8')) === 'winner' ? 'linked' : 'replaced'
}

/**
 * Directories of a store that a name in `.tmp` cannot be renamed into. What is renamed is not
 * there, so nothing changes: the kernel compares the mounts first.
 */
export async function apartFrom(root: string, signal: AbortSignal): Promise<string[]> {
  const names = await readdir(root)
  if (!names.includes(PRIVATE_DIRECTORY)) return []
  const apart: string[] = []
  for (const name of names.filter(isShardName)) {
    signal.throwIfAborted()
    try {
      const missing = 'doctor-looks-only'
      await rename(`${root}/${PRIVATE_DIRECTORY}/${missing}`, `${root}/${name}/${missing}`)
    } catch (error) {
      if (codeOf(error) === 'EXDEV') apart.push(`${root}/${name}`)
    }
  }
  return apart
}

/** A file or directory can be flushed. */
export async function canFlush(path: string): Promise<true> {
  await using handle = await open(path, 'r')
  await handle.sync()
  return true
}

/** The same for a file that has just been written. */
export async function canFlushFile(scratch: Scratch): Promise<true> {
  return await canFlush(await scratch.file('flushed'))
}

/** Gives a file more and more names, until there are many, time is up, or no more are had. */
export async function linkCountOf(
  scratch: Scratch,
  timeMs: number,
  signal: AbortSignal,
): Promise<LinkCount> {
  const source = await scratch.file('links')
  const endMs = performance.now() + timeMs
  for (let names = 1; names < MAX_NAMES; names += 1) {
    signal.throwIfAborted()
    if (performance.now() > endMs) return { names, isLimit: false }
    try {
      await link(source, scratch.far(`link-${names}`))
    } catch (error) {
      if (codeOf(error) === 'EMLINK') return { names, isLimit: true }
      throw error
    }
  }
  return { names: MAX_NAMES, isLimit: false }
}

/** Whether a user may link a file of another one that he can only read. Root can try it. */
export async function otherUserOf(scratch: Scratch, user: User | undefined): Promise<OtherUser> {
  const setting = (await textOf('/proc/sys/fs/protected_hardlinks')).trim()
  const isProtected = setting === '' ? undefined : setting !== '0'
  if (user?.uid !== 0) return { isProtected, attempt: undefined }
  return { isProtected, attempt: await attemptAsNobody(scratch) }
}

async function attemptAsNobody(scratch: Scratch): Promise<string | undefined> {
  await scratch.file('of-root')
  await using near = await open(scratch.nearPath, 'r')
  await using file = await open(scratch.near('of-root'), 'r')
  await near.chmod(0o777)
  await file.chmod(0o644)
  try {
    return await linkAsNobody(scratch.nearPath)
  } finally {
    await near.chmod(0o700)
  }
}

/** Relative names: nobody may not be able to pass the directories above. */
function linkAsNobody(cwd: string): Promise<string | undefined> {
  const options = { cwd, uid: NOBODY, gid: NOBODY, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } }
  return new Promise((resolve) => {
    execFile('ln', ['of-root', 'of-nobody'], options, (error, _, stderr) => {
      if (error === null) resolve('linked')
      else resolve(stderr.includes('not permitted') ? 'EPERM' : undefined)
    })
  })
}
