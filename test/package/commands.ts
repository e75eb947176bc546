import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Step {
  readonly words: readonly string[]
  readonly prints: RegExp
  /** Statuses that are no failure; else only 0 is none. */
  readonly statuses?: readonly number[]
}

/** Every command, each with its own files and workers, as one might use them in turn. */
const STEPS: readonly Step[] = [
  { words: ['set', 'k', 'v'], prints: /^$/ },
  { words: ['get', 'k'], prints: /^v$/ },
  { words: ['get', 'k', '-o', 'copy-of-k'], prints: /^$/ },
  { words: ['has', 'k'], prints: /^$/ },
  { words: ['add', 'k', 'again'], prints: /^$/, statuses: [1] },
  { words: ['stat', 'k'], prints: /version/ },
  { words: ['cp', 'k', 'l'], prints: /^$/ },
  { words: ['mv', 'l', 'm'], prints: /^$/ },
  { words: ['ls', 'm'], prints: /^m\n$/ },
  { words: ['ls', '--glob', '?', '--sort', 'size'], prints: /^[km]\n[km]\n$/ },
  { words: ['ls', '--tree'], prints: /-- k\n|── k\n/ },
  { words: ['du'], prints: /^2 objects, 2 bytes;/ },
  { words: ['completion', 'bash'], prints: /complete -F/ },
  { words: ['complete', 'zsh', '--', 'get', 'k'], prints: /^words\nk\t\n$/ },
  { words: ['take', 'm'], prints: /^v$/ },
  { words: ['count'], prints: /^1\n$/ },
  { words: ['rm', 'k'], prints: /^$/ },
  { words: ['import', 'tree', '--json'], prints: /"files":1\b/ },
  { words: ['export', 'copy-of-tree', '--json'], prints: /"files":1\b/ },
  { words: ['verify', '--json'], prints: /"findings":\[\]/ },
  { words: ['health'], prints: /^healthy/ },
  { words: ['top', '--json'], prints: /"processes":\[\]/ },
  { words: ['sweep', '--dry-run', '--json'], prints: /"expired"/ },
  { words: ['migrate', 'command', 'migrated', '--json'], prints: /"migrated":1\b/ },
  { words: ['keys', 'generate', 'identity'], prints: /^linkstore-public:/ },
  { words: ['keys', 'init', '-d', 'sealed', '--identity', 'identity'], prints: /^/ },
  { words: ['cell', 'set', 'c', 'v'], prints: /^/ },
  { words: ['cell', 'get', 'c'], prints: /^v$/ },
  { words: ['lock', 'l', '--', 'echo', 'held'], prints: /^held\n$/ },
  { words: ['queue', 'push', 'q', 'job'], prints: /./ },
  { words: ['queue', 'run', 'q', '--drain', '--', 'cat'], prints: /job/ },
  { words: ['export', '--tar'], prints: /ustar/ },
  { words: ['bench', '--seconds', '1', '--json'], prints: /"uses"/ },
  { words: ['doctor', '--json'], prints: /"verdict"/, statuses: [0, 1] },
  { words: ['clear', '--yes'], prints: /^/ },
  { words: ['destroy', '--yes'], prints: /^/ },
  { words: ['demo', '--seconds', '1', '--processes', '2'], prints: /./ },
]

/** Runs every command of the installed package once, in `project`. */
export function useCommands(project: string): void {
  mkdirSync(join(project, 'tree'), { recursive: true })
  writeFileSync(join(project, 'tree', 'file'), 'value')
  for (const { words, prints, statuses = [0] } of STEPS) {
    const { status, stdout, stderr } = command(project, words)
    const what = `linkstore ${words.join(' ')}: ${stdout}${stderr}`
    assert.ok(statuses.includes(status ?? -1), `${what} ends with ${status ?? 'a signal'}`)
    assert.match(stdout, prints, what)
  }
  assert.equal(readFileSync(join(project, 'copy-of-k'), 'utf8'), 'v')
  assert.equal(readFileSync(join(project, 'copy-of-tree', 'file'), 'utf8'), 'value')
  const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(command(project, ['--help']).stdout) ?? []
  const names = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
  const used = new Set(STEPS.map(({ words }) => words[0]))
  assert.deepEqual(
    names.filter((name) => name !== 'help').sort(),
    [...used].filter((name) => name !== 'complete').sort(),
  )
}

function command(
  project: string,
  words: readonly string[],
): ReturnType<typeof spawnSync> & { stdout: string; stderr: string } {
  const bin = join(project, 'node_modules', '.bin', 'linkstore')
  return spawnSync(process.execPath, [bin, ...words], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, LINKSTORE_DIR: join(project, 'command') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
