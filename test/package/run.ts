/**
 * Installs the packed package into an empty project as a user would, and runs `smoke.ts` there:
 * `npm run package -- [NODE_VERSION]...`, such as `22 24`; without a version on this Node. It also
 * type-checks a program of the project against the installed declarations.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { withDir } from 'tmp-promise'

const ROOT = join(import.meta.dirname, '..', '..', '..')

const PROGRAM = `import { open, type Store } from 'linkstore'
const store: Store = await open('things')
const value: Buffer | undefined = await store.get('k')
for await (const key of store.keys({ prefix: 'a' })) console.log(key.length, value)
await store.close()
`

/** What `smoke.ts` makes in the project. */
const LEFT = [
  ...['module', 'adapters', 'require', 'conformance', 'tree', 'copy-of-tree', 'copy-of-k'],
  ...['migrated', 'sealed', 'identity'],
]

/** What `npm pack` calls its file. */
function tarballName(): string {
  const text = readFileSync(join(ROOT, 'package.json'), 'utf8')
  const { name, version } = JSON.parse(text) as { name: string; version: string }
  return `${name}-${version}.tgz`
}

function run(directory: string, command: string, ...words: string[]): string {
  return execFileSync(command, words, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** The command that runs a version of Node, fetched by npx where it is not this one. */
function nodeCommand(version: string | undefined): [command: string, ...words: string[]] {
  if (version === undefined) return [process.execPath]
  return ['npx', '--yes', '--package', `node@${version}`, 'node']
}

await withDir(
  async ({ path }) => {
    const tarball = join(ROOT, 'dist', tarballName())
    const { size } = statSync(tarball)
    process.stdout.write(`${basename(tarball)}: ${size} bytes\n`)
    const manifest = { name: 'empty', private: true, type: 'module' }
    writeFileSync(join(path, 'package.json'), JSON.stringify(manifest))
    run(path, 'npm', 'install', '--no-audit', '--no-fund', tarball)
    cpSync(import.meta.dirname, join(path, 'package'), { recursive: true })
    writeFileSync(join(path, 'program.mts'), PROGRAM)
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const types = join(ROOT, 'node_modules', '@types')
    const settings = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022']
    const lib = ['--lib', 'es2023,esnext.disposable', '--types', 'node', '--typeRoots', types]
    run(path, process.execPath, tsc, ...settings, ...lib, 'program.mts')
    for (const version of process.argv.length > 2 ? process.argv.slice(2) : [undefined]) {
      const [command, ...words] = nodeCommand(version)
      process.stdout.write(run(path, command, ...words, 'package/smoke.js'))
      run(path, 'rm', '-rf', ...LEFT)
    }
  },
  { unsafeCleanup: true, prefix: 'linkstore-package-' },
)
