/** A real application of Next.js in a directory of its own: installed, built and served. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { tellProgress } from '../lab/selection.js'
import { scratchDirectory } from '../support/surroundings.js'
import type { Source } from './source.js'

const ROOT = join(import.meta.dirname, '../..')
const FILES = join(ROOT, 'test/next')
const COMMAND_TIMEOUT_MS = 600_000

/** One of the applications that are tried. */
export interface Variant {
  readonly next: string
  readonly react: string
  /** Whether all is dynamic but what has `'use cache'`; an application of another kind in 16. */
  readonly hasCacheComponents?: boolean
  /** Whether what a browser asks for is rendered again, after the HTML. */
  readonly rendersTwice?: boolean
  /** Where `cacheHandlers` stands, if there is such a thing. */
  readonly cacheHandlers?: 'experimental' | 'stable'
}

/** An application that was built. */
export interface Application {
  readonly directory: string
  readonly variant: Variant
  /** The store that all of its processes share. */
  readonly store: string
  readonly environment: NodeJS.ProcessEnv
}

/** Installs the packed linkstore and a version of Next.js, and builds an application with them. */
export async function build(t: Test, variant: Variant, source: Source): Promise<Application> {
  const scratch = await scratchDirectory(t)
  // Also where the test is ended from outside.
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
  const directory = join(scratch, 'application')
  const store = join(scratch, 'store')
  await mkdir(directory)
  await copyFiles(directory, variant)
  const { next, react } = variant
  const packages = [`next@${next}`, `react@${react}`, `react-dom@${react}`, await tarball()]
  const environment = {
    ...withoutTap(process.env),
    CACHE_DIR: store,
    SOURCE_URL: source.url,
    PAGE_PATHS: pathsOf(variant).join(' '),
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'production' as const,
  }
  tellProgress(`next ${next}: installing`)
  await run(directory, environment, 'npm', 'install', '--no-audit', '--no-fund', ...packages)
  tellProgress(`next ${next}: building`)
  await run(directory, environment, join(directory, 'node_modules/.bin/next'), 'build')
  return { directory, variant, store, environment }
}

/** The pages that are tried in a browser. */
function pathsOf({ cacheHandlers, hasCacheComponents }: Variant): string[] {
  const paths = hasCacheComponents === true ? [] : ['/tagged']
  return cacheHandlers === undefined ? paths : [...paths, '/cached']
}

async function copyFiles(directory: string, variant: Variant): Promise<void> {
  const copy = async (from: string, path: string): Promise<void> => {
    await cp(join(from, path), join(directory, path), { recursive: true })
  }
  const base = join(FILES, 'app')
  const common = ['lib', 'app/layout.jsx', 'app/page.jsx', 'app/api']
  for (const path of variant.hasCacheComponents === true ? common : ['lib', 'app']) {
    await copy(base, path)
  }
  if (variant.cacheHandlers !== undefined) {
    for (const path of ['app', 'lib']) await copy(join(FILES, 'use-cache'), path)
  }
  // The handlers are those that users are shown.
  const examples = join(ROOT, 'examples/next')
  for (const name of ['cache-handler.js', 'use-cache-handler.js']) await copy(examples, name)
  const example = await readFile(join(examples, 'next.config.js'), 'utf8')
  await writeFile(join(directory, 'next.config.mjs'), configOf(example, variant))
  const manifest = { name: 'application', private: true, type: 'module' }
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest))
}

/** The example, which is for 16, as it is for a version. */
function configOf(example: string, { cacheHandlers, hasCacheComponents }: Variant): string {
  const line = /^ {2}cacheHandlers: (.*),$/m
  if (cacheHandlers === undefined) return example.replace(line, '')
  if (cacheHandlers === 'experimental') {
    return example.replace(line, '  experimental: { useCache: true, cacheHandlers: $1 },')
  }
  return hasCacheComponents === true
    ? example.replace(line, '  cacheComponents: true,\n$&')
    : example
}

async function tarball(): Promise<string> {
  const text = await readFile(join(ROOT, 'package.json'), 'utf8')
  const { name, version } = JSON.parse(text) as { name: string; version: string }
  return join(ROOT, 'dist', `${name}-${version}.tgz`)
}

async function run(
  cwd: string,
  env: NodeJS.ProcessEnv,
  command: string,
  ...words: string[]
): Promise<void> {
  const options = { cwd, env, timeout: COMMAND_TIMEOUT_MS, killSignal: 'SIGKILL' as const }
  try {
    await promisify(execFile)(command, words, { ...options, maxBuffer: 64 * 1024 ** 2 })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${words.join(' ')}\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** What the test runner gives its own processes is nothing for those of an application. */
function withoutTap(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(environment)
  return Object.fromEntries<string | undefined>(
    entries.filter(([name]) => !/^(TAP|NODE_OPTIONS|NODE_V8_COVERAGE|npm_)/.test(name)),
  )
}
