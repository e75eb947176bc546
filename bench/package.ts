/** Where the package lies, and which versions of others lie in it. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Compiled or not, this file is in the package. */
export const PACKAGE_PATH = dirname(require.resolve('linkstore/package.json'))

/** The program of the command, as it is published. */
export const COMMAND_PATH = join(PACKAGE_PATH, 'dist/bundle/cli.js')

/** Packages whose versions matter to the results. */
const PACKAGES = [
  'better-sqlite3',
  'cacache',
  'classic-level',
  'flat-cache',
  'keyv',
  'keyv-file',
  'lmdb',
  'proper-lockfile',
  'unstorage',
  'write-file-atomic',
]

/** Of everything that is measured; undefined: it is not installed here. */
export function versionsHere(): Record<string, string | undefined> {
  const { node, sqlite } = process.versions
  return {
    node,
    linkstore: versionIn(join(PACKAGE_PATH, 'package.json')),
    ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    SQLite: sqlite,
  }
}

/** Whether a package is installed here. */
export function hasPackage(name: string): boolean {
  return versionOf(name) !== undefined
}

function versionOf(name: string): string | undefined {
  // Not every package lets others import its manifest.
  const paths = (require.resolve.paths(name) ?? []).map((path) => join(path, name, 'package.json'))
  const path = paths.find((each) => existsSync(each))
  return path === undefined ? undefined : versionIn(path)
}

function versionIn(path: string): string {
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version
}
