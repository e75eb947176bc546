import t, { type Test } from 'tap'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dir } from 'tmp-promise'
import ts from 'typescript'
import { plain } from './support/plain.js'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const COMMAND = join(REPOSITORY, 'dist/bundle/cli.js')
const EXAMPLE_TIMEOUT_MS = 60_000
const EXAMPLES_AT_ONCE = 3

/** What is behind three backticks: these are run, and their output is compared. */
const RUN = ['js', 'ts', 'sh']
/** These show something that is no example of code, so there is nothing to run. */
const SHOWN = ['text', 'json', 'python', 'mermaid']
/** Packages that examples use beside linkstore, with the adapters for them. */
const BESIDE = [
  '@opentelemetry/api',
  '@opentelemetry/sdk-metrics',
  '@tus/server',
  '@types/express',
  '@types/express-session',
  'cache-manager',
  'cacheable',
  'express',
  'express-session',
  'keyv',
  'keyv-file',
  'unstorage',
]
/** Examples that cannot be run here, and how many of them there are. No others may appear. */
const NOT_RUN: Readonly<Record<string, number>> = {
  'CONTRIBUTING.md console': 2,
  'README.md console': 2,
  'docs/README.md console': 1,
  'docs/adapters/express-session.md console': 1,
  'docs/adapters/keyv.md console': 1,
  'docs/adapters/next.md console': 1,
  'docs/adapters/tus.md console': 1,
  'docs/adapters/unstorage.md console': 1,
  'docs/testing.md console': 2,
  'docs/watching.md console': 1,
}

/** A fenced block of a page. */
interface Block {
  readonly page: string
  /** The line its fence is on. */
  readonly line: number
  readonly language: string
  readonly code: string
}

async function pages(): Promise<string[]> {
  const top = (await readdir(REPOSITORY)).filter((name) => name.endsWith('.md'))
  const docs = await readdir(join(REPOSITORY, 'docs'), { recursive: true })
  return [...top, ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]
}

async function read(path: string): Promise<string> {
  return await readFile(join(REPOSITORY, path), 'utf8')
}

function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^( *)(`{3,}|~{3,})(.*)$/.exec(lines[at] ?? '')
    if (fence === null) continue
    const [, indent = '', ticks = '', language = ''] = fence
    const end = lines.indexOf(indent + ticks, at + 1)
    if (end === -1) throw new Error(`${page}:${at + 1}: the fence is not closed`)
    const code = lines.slice(at + 1, end).map((line) => line.slice(indent.length))
    blocks.push({ page, line: at + 1, language: language.trim(), code: code.join('\n') + '\n' })
    at = end
  }
  return blocks
}

async function allBlocks(): Promise<Block[]> {
  const all = await Promise.all(
    (await pages()).map(async (page) => blocksOf(page, await read(page))),
  )
  return all.flat()
}

/** What an example says it prints: the text behind each `// =>` or `# =>`, a line each. */
function expectedLines(code: string): string[] {
  return [...code.matchAll(/(?:\/\/|#) => ?(.*)$/gm)].map(([, text = '']) => text.trimEnd())
}

/** A place that looks like a user's: the package installed, its command on the PATH. */
async function prepareScratch(path: string): Promise<void> {
  await mkdir(join(path, 'node_modules'))
  await mkdir(join(path, 'bin'))
  await symlink(REPOSITORY, join(path, 'node_modules/linkstore'))
  for (const name of BESIDE) {
    await mkdir(dirname(join(path, 'node_modules', name)), { recursive: true })
    await symlink(join(REPOSITORY, 'node_modules', name), join(path, 'node_modules', name))
  }
  await writeFile(join(path, 'package.json'), '{ "type": "module" }')
  const command = join(path, 'bin/linkstore')
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`)
  await chmod(command, 0o755)
}

interface Outcome {
  readonly status: number | string
  readonly stdout: string
  readonly stderr: string
}

function run(
  program: string,
  values: readonly string[],
  cwd: string,
  bin: string,
): Promise<Outcome> {
  const env = {
    ...process.env,
    PATH: bin + delimiter + (process.env['PATH'] ?? ''),
    LINKSTORE_DIR: undefined,
    LINKSTORE_IDENTITY: undefined,
  }
  const options = { cwd, env, timeout: EXAMPLE_TIMEOUT_MS, killSignal: 'SIGKILL' as const }
  return new Promise((resolve) => {
    execFile(...plain([program, ...values]), options, (error, stdout, stderr) => {
      const status = error === null ? 0 : (error.code ?? String(error.signal))
      resolve({ status, stdout, stderr })
    })
  })
}

/** What some work gives for each item, done a few at a time. */
async function mapOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      results[next[0]] = await work(next[1])
    }
  }
  await Promise.all(Array.from({ length: EXAMPLES_AT_ONCE }, worker))
  return results
}

async function runBlock(block: Block, scratch: string): Promise<Outcome> {
  const cwd = join(scratch, placeName(block))
  const bin = join(scratch, 'bin')
  await mkdir(cwd)
  if (block.language === 'sh') {
    await writeFile(join(cwd, 'example.sh'), block.code)
    return await run('bash', ['-e', 'example.sh'], cwd, bin)
  }
  const isPlain = block.language === 'js'
  // By its name it is known to be a module.
  const code = isPlain ? block.code : ts.transpile(block.code, COMPILER_OPTIONS, 'example.mts')
  await writeFile(join(cwd, 'example.mjs'), code)
  return await run(process.execPath, ['example.mjs'], cwd, bin)
}

function judgeBlock(t: Test, { page, line, language, code }: Block, outcome: Outcome): void {
  const { status, stdout, stderr } = outcome
  const expected = expectedLines(code)
  t.equal(status, 0, `${page}:${line} succeeds: ${stderr}`)
  const prints = `${page}:${line} prints what it says`
  if (language !== 'sh') t.same(outputLines(stdout), expected, prints)
  // The command prints values as they are, without a newline, so lines say nothing here.
  else if (expected.length > 0) t.equal(stdout.replaceAll('\n', ''), expected.join(''), prints)
}

function outputLines(stdout: string): string[] {
  return stdout === '' ? [] : stdout.trimEnd().split('\n')
}

function placeName({ page, line }: Block): string {
  return `${page.replace(/\W/g, '-')}-${line}`
}

const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
  typeRoots: [join(REPOSITORY, 'node_modules/@types')],
}

function problemsOf(program: ts.Program, path: string): string[] {
  const source = program.getSourceFile(path)
  return [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

await t.test('every example of the documentation runs and prints what it says', async (t) => {
  const { path: scratch, cleanup } = await dir({ prefix: 'linkstore-docs-', unsafeCleanup: true })
  t.teardown(cleanup)
  await prepareScratch(scratch)
  const blocks = (await allBlocks()).filter(({ language }) => RUN.includes(language))
  const outcomes = await mapOf(blocks, (block) => runBlock(block, scratch))
  for (const [index, block] of blocks.entries()) judgeBlock(t, block, outcomes[index]!)
  t.ok(blocks.length >= 10, 'there are examples')
})

await t.test('every example of the documentation passes the type checker', async (t) => {
  const { path: scratch, cleanup } = await dir({ prefix: 'linkstore-docs-', unsafeCleanup: true })
  t.teardown(cleanup)
  await prepareScratch(scratch)
  const blocks = await allBlocks()
  for (const language of ['ts', 'js']) {
    // Plain JavaScript does not say what is undefined; its types are checked all the same.
    const options = { ...COMPILER_OPTIONS, strict: language === 'ts' }
    const paths = new Map<string, Block>()
    for (const block of blocks.filter((block) => block.language === language)) {
      const path = join(scratch, `${placeName(block)}.ts`)
      // Without an import or export it would be a script, where await is an error.
      await writeFile(path, `${block.code}export {}\n`)
      paths.set(path, block)
    }
    const program = ts.createProgram([...paths.keys()], options)
    for (const [path, { page, line }] of paths) {
      t.same(problemsOf(program, path), [], `${page}:${line} is well typed`)
    }
    t.ok(paths.size > 0, `there are examples in ${language}`)
  }
})

await t.test('every program in examples/ runs and prints what it says', async (t) => {
  const { path: scratch, cleanup } = await dir({ prefix: 'linkstore-docs-', unsafeCleanup: true })
  t.teardown(cleanup)
  const names = (await readdir(join(REPOSITORY, 'examples'))).filter((name) => name.endsWith('.ts'))
  const outcomes = await mapOf(names, async (name) => {
    const cwd = join(scratch, name)
    await mkdir(cwd)
    const built = join(REPOSITORY, 'dist/examples', name.replace(/\.ts$/, '.js'))
    return await run(process.execPath, [built], cwd, scratch)
  })
  for (const [index, name] of names.entries()) {
    const { status, stdout, stderr } = outcomes[index]!
    t.equal(status, 0, `${name} succeeds: ${stderr}`)
    const expected = expectedLines(await read(`examples/${name}`))
    t.ok(expected.length > 0, `${name} says what it prints`)
    t.same(outputLines(stdout), expected, `${name} prints what it says`)
  }
  t.ok(names.length >= 4, 'there are examples')
})

await t.test('no code in the documentation escapes being run, but for a known few', async (t) => {
  const counts: Record<string, number> = {}
  for (const { page, line, language } of await allBlocks()) {
    if (RUN.includes(language) || SHOWN.includes(language)) continue
    if (language === 'console' || language === 'yaml') {
      counts[`${page} ${language}`] = (counts[`${page} ${language}`] ?? 0) + 1
    } else t.fail(`${page}:${line} has a fence of a kind nobody knows: "${language}"`)
  }
  t.same(counts, NOT_RUN, 'only the known ones are not run')
})

await t.test('every link in the documentation leads somewhere', async (t) => {
  for (const page of await pages()) {
    const text = withoutCode(await read(page))
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:\/\//.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      if (!existsSync(resolve(REPOSITORY, file))) t.fail(`${page}: there is no ${target}`)
      else if (anchor !== undefined && !anchorsOf(await read(file)).includes(anchor)) {
        t.fail(`${page}: ${file} has no heading #${anchor}`)
      }
    }
  }
  t.pass('all were looked at')
})

function withoutCode(text: string): string {
  return text.replace(/^( *)```[^]*?^\1```$/gm, '').replace(/`[^`\n]*`/g, '')
}

function headingsOf(text: string): string[] {
  const plain = text.replace(/^( *)```[^]*?^\1```$/gm, '')
  return [...plain.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => heading)
}

/** Headings as the anchors that GitHub makes of them. */
function anchorsOf(text: string): string[] {
  return headingsOf(text).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** The sections of docs/api.md: a heading `### \`name\`` and the text below it. */
function sectionsOf(text: string): Map<string, string> {
  const parts = text.split(/^### `(\w+)`$/m)
  const sections = new Map<string, string>()
  for (let at = 1; at < parts.length; at += 2) sections.set(parts[at] ?? '', parts[at + 1] ?? '')
  return sections
}

await t.test('docs/api.md describes every export and every member, and no other', async (t) => {
  const sections = sectionsOf(await read('docs/api.md'))
  const index = join(REPOSITORY, 'index.ts')
  const program = ts.createProgram([index], COMPILER_OPTIONS)
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(index)!)!
  const symbols = checker.getExportsOfModule(module)
  const names = symbols.map(({ name }) => name)
  t.same([...sections.keys()].sort(), names.sort(), 'what is described is what is exported')
  for (const symbol of symbols) {
    for (const member of membersOf(checker, symbol)) {
      const section = sections.get(symbol.name) ?? ''
      t.match(section, new RegExp(`\`${member}\\b`), `${symbol.name}.${member} is described`)
    }
  }
})

/** The members a class or interface declares itself, and for others. */
function membersOf(checker: ts.TypeChecker, exported: ts.Symbol): string[] {
  const symbol =
    exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) return []
  return [...(symbol.members?.values() ?? [])]
    .filter(({ flags }) => !(flags & ts.SymbolFlags.Constructor))
    .filter((member) => !member.getJsDocTags(checker).some(({ name }) => name === 'internal'))
    .map(({ name }) => name)
    .filter((name) => /^\w+$/.test(name) && !name.startsWith('__'))
}

await t.test('every test that docs/guarantees.md names exists', async (t) => {
  const titles = new Set<string>()
  const files = await readdir(join(REPOSITORY, 'test'), { recursive: true })
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const path = `test/${file}`
    const source = ts.createSourceFile(path, await read(path), ts.ScriptTarget.ES2022, true)
    collectTitles(source, titles)
  }
  const text = (await read('docs/guarantees.md')).replace(/\n\s*/g, ' ')
  const named = [...text.matchAll(/Test: “([^”]+)”/g)].map(([, title = '']) => title)
  for (const title of named) t.ok(titles.has(title), `there is a test "${title}"`)
  t.ok(named.length > 20, 'it names tests')
})

/** Collects first arguments of calls of `test`, what is called a title, and the names in tables. */
function collectTitles(node: ts.Node, titles: Set<string>): void {
  if (ts.isCallExpression(node)) {
    const { expression, arguments: values } = node
    const callee = ts.isPropertyAccessExpression(expression) ? expression.name : expression
    const isTest = ts.isIdentifier(callee) && callee.text === 'test'
    if (isTest && values[0] !== undefined) addTitle(values[0], titles)
  } else if (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node)) {
    const { name, initializer } = node
    const isTitle = ts.isIdentifier(name) && ['name', 'title'].includes(name.text)
    if (isTitle && initializer !== undefined) addTitle(initializer, titles)
  }
  ts.forEachChild(node, (child) => collectTitles(child, titles))
}

/** A title as a page writes it: what is only known when the test runs is an ellipsis. */
function addTitle(node: ts.Expression, titles: Set<string>): void {
  if (ts.isStringLiteralLike(node)) titles.add(node.text)
  else if (ts.isTemplateExpression(node)) {
    const { head, templateSpans } = node
    titles.add([head.text, ...templateSpans.map(({ literal }) => literal.text)].join('…'))
  }
}

await t.test('the pages keep the shape that readers rely on', async (t) => {
  const readme = (await read('README.md')).split('\n')
  t.ok(readme.length <= 300, `README.md has ${readme.length} lines`)
  const { version } = JSON.parse(await read('package.json')) as { version: string }
  t.match(await read('CHANGELOG.md'), `## [${version}]`)
  const decisions = (await readdir(join(REPOSITORY, 'docs/decisions'))).sort()
  const list = await read('docs/design.md')
  for (const [index, name] of decisions.entries()) {
    t.match(name, new RegExp(`^${String(index + 1).padStart(4, '0')}-[a-z0-9-]+\\.md$`))
    const headings = headingsOf(await read(`docs/decisions/${name}`))
    t.same(headings.slice(1), ['Context', 'Decision', 'Consequences'], `${name} has its parts`)
    t.match(list, `(decisions/${name})`, `docs/design.md lists ${name}`)
  }
})
