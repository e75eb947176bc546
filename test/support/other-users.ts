/** Users that have no name, and what they need to run the package wherever the project lies. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import type { Test } from 'tap'
import { scratchDirectory, WITHOUT_ROOT } from './surroundings.js'
import { DIST_PATH } from './workers.js'

/** A user, and a group that is nobody else's. */
export const ONE = { uid: 12_345, gid: 23_456 }

/** The packages that the store and its command need. */
const DEPENDENCIES = [
  ...['fs-extra', 'graceful-fs', 'jsonfile', 'universalify'],
  ...['commander', 'picocolors'],
]

const canRunAsOther =
  WITHOUT_ROOT !== false || spawnSync(process.execPath, ['--version'], { ...ONE }).status === 0

/** Why a test with several users cannot be run, or false. */
export const WITHOUT_USERS =
  WITHOUT_ROOT || (canRunAsOther ? false : 'other users cannot run this node')

/** Copies the built package to where every user can read it; returns the path of its `dist`. */
export async function copyPackage(t: Test): Promise<string> {
  const scratch = await scratchDirectory(t)
  const isCode = (path: string): boolean => !/\.(d\.ts|map)$/.test(path)
  cpSync(DIST_PATH, `${scratch}/dist`, { recursive: true, filter: isCode })
  cpSync(`${DIST_PATH}/../package.json`, `${scratch}/package.json`)
  for (const name of DEPENDENCIES) {
    const from = `${DIST_PATH}/../node_modules/${name}`
    cpSync(from, `${scratch}/node_modules/${name}`, { recursive: true })
  }
  // What was cloned with a narrow umask is closed to others.
  execFileSync('chmod', ['-R', 'a+rX', scratch])
  return `${scratch}/dist`
}
