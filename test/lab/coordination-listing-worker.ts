/**
 * What a host lists of a directory to which another has linked a name since its last list, on NFS
 * that may tell two changes as one: with nothing in between, and after a change of its own.
 *
 *     coordination-listing-worker DIRECTORY_A DIRECTORY_B ROUNDS
 */
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { report } from './channel.js'
import type { ListingReport } from './coordination-plan.js'

const [rootA = '', rootB = '', rounds = ''] = process.argv.slice(2)

/** What host b does in a directory before it lists it. */
const CHANGES: Readonly<Record<ListingReport['change'], (path: string) => void>> = {
  none: () => undefined,
  'mkdir and rmdir': (path) => {
    mkdirSync(`${path}/look`)
    rmdirSync(`${path}/look`)
  },
  link: (path) => linkSync(`${rootB}/source`, `${path}/own`),
}

function list(path: string): string[] {
  closeSync(openSync(path, 'r'))
  return readdirSync(path)
}

/** Whether host b misses the name that host a has linked. */
function misses(name: string, change: (path: string) => void): boolean {
  const [a, b] = [`${rootA}/${name}`, `${rootB}/${name}`]
  mkdirSync(a)
  list(b)
  linkSync(`${rootA}/source`, `${a}/first`)
  list(b)
  linkSync(`${rootA}/source`, `${a}/second`)
  change(b)
  return !list(b).includes('second')
}

mkdirSync(rootA)
writeFileSync(`${rootA}/source`, '')
list(rootB)
const changes = Object.entries(CHANGES) as [ListingReport['change'], (path: string) => void][]
const missed = new Map(changes.map(([name]) => [name, 0]))
// In turn, so that all of them meet the same clock.
for (let round = 0; round < Number(rounds); round += 1) {
  for (const [name, change] of changes) {
    if (misses(`${name} ${round}`, change)) missed.set(name, missed.get(name)! + 1)
  }
}
for (const [change, count] of missed) {
  report({ change, rounds: Number(rounds), missed: count } satisfies ListingReport)
}
