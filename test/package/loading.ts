import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What is opt-in must not get into it. */
const MAX_LIBRARY_BYTES = 300_000

interface Loaded {
  /** How many files of linkstore itself. */
  readonly own: number
  /** The other packages. */
  readonly packages: readonly string[]
}

/**
 * Each file that is loaded makes every start slower: a few thin ones more would go unnoticed, were
 * they not counted here.
 */
export function checkLoading(project: string): void {
  const evaluate = (code: string): Loaded =>
    loadedBy(project, ['--input-type=module', '--eval', code])
  const { own, packages } = evaluate("import 'linkstore'")
  assert.deepEqual(packages, [], 'the library loads no other package before it is used')
  assert.ok(own >= 1 && own <= 2, `the library is ${own} files`)
  const bundle = join(project, 'node_modules', 'linkstore', 'dist', 'bundle', 'library.js')
  const { size } = statSync(bundle)
  assert.ok(size <= MAX_LIBRARY_BYTES, `the library is ${size} bytes`)

  const conformance = evaluate("import 'linkstore/conformance'")
  assert.deepEqual(conformance.packages, [])
  assert.ok(conformance.own <= 3, `the library and the conformance suite are ${conformance.own}`)

  for (const name of ['keyv', 'next', 'unstorage', 'abstract-blob-store']) {
    const adapter = evaluate(`import 'linkstore/${name}'`)
    assert.deepEqual(adapter.packages, [])
    assert.ok(adapter.own <= 4, `linkstore/${name} is ${adapter.own} files`)
  }

  const small = ['namespaced', 'compressed', 'retrying', 'limited', 'traced']
  const large = ['cached', 'tiered', 'typed', 'blob', 'sealed']
  for (const name of ['memory', 'postgres', ...small, ...large]) {
    const part = evaluate(`import 'linkstore/${name}'`)
    assert.deepEqual(part.packages, [])
    assert.ok(part.own <= 5, `linkstore/${name} is ${part.own} files`)
  }

  const url = evaluate("import { openUrl } from 'linkstore/url'; await openUrl('memory:')")
  assert.deepEqual(url.packages, [], 'nothing of S3 or PostgreSQL is loaded unless an URL says so')
  assert.ok(url.own <= 5, `linkstore/url is ${url.own} files`)

  const bin = join(project, 'node_modules', '.bin', 'linkstore')
  const get = loadedBy(project, [bin, '-d', join(project, 'module'), 'get', 'greeting'])
  assert.deepEqual(get.packages, ['commander'], 'get loads what reads the command line')
  assert.ok(get.own <= 4, `get loads ${get.own} files`)
  const help = loadedBy(project, [bin, '--help'])
  assert.ok(help.own <= 2, `--help loads ${help.own} files`)
}

/** What a run of Node loads, as its own coverage lists it: ECMAScript and CommonJS modules. */
function loadedBy(project: string, words: readonly string[]): Loaded {
  const directory = join(project, 'loaded')
  execFileSync(process.execPath, words, {
    cwd: project,
    env: { ...process.env, NODE_V8_COVERAGE: directory },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const urls = readdirSync(directory).flatMap((name) => {
    const text = readFileSync(join(directory, name), 'utf8')
    return (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url)
  })
  rmSync(directory, { recursive: true })
  const names = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])
  const packages = [...new Set(names)].filter((name) => name !== 'linkstore')
  return { own: names.filter((name) => name === 'linkstore').length, packages }
}

/** A debugger and a stack trace show the sources, which the package has, too. */
export function checkSourceMaps(project: string): void {
  const directory = join(project, 'node_modules', 'linkstore', 'dist', 'bundle')
  const maps = readdirSync(directory).filter((name) => name.endsWith('.map'))
  const sources = maps.flatMap((name) => {
    const map = JSON.parse(readFileSync(join(directory, name), 'utf8')) as { sources: string[] }
    return map.sources.map((source) => join(directory, source))
  })
  assert.ok(sources.length > 100)
  assert.deepEqual(
    sources.filter((source) => !existsSync(source)),
    [],
  )
  const code = `
    import { openSync } from 'linkstore'
    try { openSync('module').get('\\ud800') } catch (error) { console.log(error.stack) }`
  const stack = execFileSync(
    process.execPath,
    ['--enable-source-maps', '--input-type=module', '--eval', code],
    { cwd: project, encoding: 'utf8' },
  )
  const [, path = '', line = '0'] = /\(?((?:file:|\/)[^\s()]*\.ts):(\d+):\d+/.exec(stack) ?? []
  assert.match(path, /linkstore\/lib\/key\.ts$/, stack)
  const text = readFileSync(path.startsWith('file:') ? fileURLToPath(path) : path, 'utf8')
  assert.match(text.split('\n')[Number(line) - 1] ?? '', /throw new StoreError/, stack)
}
