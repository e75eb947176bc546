/**
 * Packs the package, installs it into an empty project as a user would, and runs `smoke.ts`
 * there: `node dist/test/package/run.js [NODE_VERSION]...`, such as `22 24`; without a version
 * on this Node. It also type-checks a program of the project against the installed declarations.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withDir } from 'tmp-promise'

const ROOT = join(import.meta.dirname, '..', '..', '..')

const PROGRAM = `import { open, type Store } from 'linkstore'
const store: Store = await open('things')
const value: Buffer | undefined = await store.get('k')
for await (const key of store.keys({ prefix: 'a' })) console.log(key.length, value)
await store.close()
`

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
    const [packed] = JSON.parse(run(ROOT, 'npm', 'pack', '--json', '--pack-destination', path)) as [
      { filename: string; size: number; entryCount: number },
    ]
    const { filename, entryCount, size } = packed
    process.stdout.write(`${filename}: ${entryCount} files, ${size} bytes\n`)
    writeFileSync(join(path, 'package.json'), '{ "name": "empty", "private": true }\n')
    run(path, 'npm', 'install', '--no-audit', '--no-fund', `./${filename}`)
    cpSync(join(ROOT, 'dist', 'test', 'package', 'smoke.js'), join(path, 'smoke.mjs'))
    writeFileSync(join(path, 'program.mts'), PROGRAM)
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const types = join(ROOT, 'node_modules', '@types')
    const settings = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022']
    const lib = ['--lib', 'es2023,esnext.disposable', '--types', 'node', '--typeRoots', types]
    run(path, process.execPath, tsc, ...settings, ...lib, 'program.mts')
    for (const version of process.argv.length > 2 ? process.argv.slice(2) : [undefined]) {
      const [command, ...words] = nodeCommand(version)
      process.stdout.write(run(path, command, ...words, 'smoke.mjs'))
      run(path, 'rm', '-rf', 'module', 'require', 'command', 'conformance')
    }
  },
  { unsafeCleanup: true, prefix: 'linkstore-package-' },
)
