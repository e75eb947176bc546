import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'
import t from 'tap'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '..')
const MAX_FILE_LINES = 400
const MAX_FUNCTION_LINES = 70
const MAX_LINE_COLUMNS = 100

/** What the top level holds, beside dot files and Markdown. */
const TOP_LEVEL = [
  'LICENSE',
  'bench',
  'docs',
  'examples',
  'index.ts',
  'lib',
  'package-lock.json',
  'package.json',
  'test',
  'tsconfig.json',
]
/** What building and installing add, and git ignores. */
const GENERATED = ['dist', 'node_modules']

interface Source {
  readonly path: string
  readonly text: string
  readonly tree: ts.SourceFile
}

function* walk(directory: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, directory), { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else yield path
  }
}

const paths = ['index.ts', ...['lib', 'test', 'bench', 'examples'].flatMap((d) => [...walk(d)])]
const sources: readonly Source[] = paths
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    return { path, text, tree }
  })

/** Calls `visit` for a node and all below it. */
function each(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  node.forEachChild((child) => each(child, visit))
}

/** What a file imports: paths from the root for its own files, names for packages. */
function importsOf({ path, tree }: Source): string[] {
  const found: string[] = []
  each(tree, (node) => {
    const isImport = ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
    const isCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
    const specifier = isImport ? node.moduleSpecifier : isCall ? node.arguments[0] : undefined
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return
    const { text } = specifier
    const isOwn = text.startsWith('.')
    found.push(isOwn ? normalize(join(dirname(path), text)).replace(/\.js$/, '.ts') : text)
  })
  return found
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** Who may import what: the first rule whose room a file is in decides. */
const IMPORT_RULES: readonly { room: RegExp; may: RegExp }[] = [
  { room: /^lib\/(errors|diagnostics)\.ts$/, may: /^node:/ },
  { room: /^lib\/key\.ts$/, may: /^(node:crypto|lib\/errors\.ts)$/ },
  { room: /^lib\/object-info\.ts$/, may: /^lib\/format\// },
  { room: /^lib\/format\//, may: /^(node:|lib\/format\/)/ },
  { room: /^lib\/drivers\//, may: /^(node:|lib\/(drivers\/|errors|diagnostics))/ },
  {
    room: /^lib\/protocol\//,
    may: /^(node:(os|zlib|crypto|fs)$|lib\/(protocol\/|format\/|drivers\/effects)|lib\/(key|errors|diagnostics|object-info|source)\.ts)/,
  },
  {
    room: /^lib\/cli\//,
    may: /^(node:|index\.ts|lib\/(cli\/|doctor\/|layers\/|activity\/|url)|(?!lib\/)[a-z])/,
  },
  {
    room: /^lib\/adapters\//,
    may: /^(node:|index\.ts|lib\/(adapters\/|structured-clone\.ts)|(?!lib\/)[@a-z])/,
  },
  {
    room: /^lib\/backends\//,
    may: /^(?!lib\/(cli|adapters|layers|doctor|store|sync-store|open)\b|index)/,
  },
  {
    room: /^lib\/layers\//,
    may: /^(?!lib\/(cli|adapters|backends|doctor|protocol|format|sync-|open)|index)/,
  },
  { room: /^lib\//, may: /^(?!lib\/(cli|adapters)\/|index\.ts)/ },
  { room: /^(bench|examples)\//, may: /^(?!lib\/)/ },
  { room: /^test\/conformance\//, may: /^(node:|index\.ts|test\/conformance\/)/ },
]

await t.test('the top level is what the project says it is', async (t) => {
  const entries = readdirSync(ROOT).filter(
    (name) => !name.startsWith('.') && !name.endsWith('.md') && !GENERATED.includes(name),
  )
  t.same(entries.sort(), TOP_LEVEL)
})

await t.test('files, functions and lines keep their sizes', async (t) => {
  const found: string[] = []
  for (const { path, text, tree } of sources) {
    const lines = text.split('\n')
    if (lines.length > MAX_FILE_LINES) found.push(`${path} has ${lines.length} lines`)
    const isLong = (line: string): boolean =>
      line.length > MAX_LINE_COLUMNS && !line.includes('/^(')
    lines.forEach((line, i) => isLong(line) && found.push(`${path}:${i + 1} is too long`))
    each(tree, (node) => {
      if (!ts.isFunctionLike(node)) return
      const start = tree.getLineAndCharacterOfPosition(node.getStart()).line
      const end = tree.getLineAndCharacterOfPosition(node.end).line
      const count = end - start + 1
      if (count > MAX_FUNCTION_LINES) found.push(`${path}:${start + 1} has ${count} lines`)
    })
  }
  t.same(found, [])
})

await t.test('files are named in kebab-case after what they hold', async (t) => {
  const isGood = (path: string): boolean =>
    /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|lab))?\.ts$/.test(basename(path)) &&
    !/util|helper|misc/.test(path)
  t.same(
    sources.map(({ path }) => path).filter((path) => !isGood(path)),
    [],
  )
})

await t.test('every room imports only what it may', async (t) => {
  const found: string[] = []
  for (const source of sources) {
    const rule = IMPORT_RULES.find(({ room }) => room.test(source.path))
    for (const imported of importsOf(source)) {
      if (rule !== undefined && !rule.may.test(imported)) found.push(`${source.path}: ${imported}`)
    }
  }
  t.same(found, [])
})

await t.test('the protocol touches neither file system, clock, chance nor process', async (t) => {
  const found: string[] = []
  const banned = /\b(Date\b|Math\.random|setTimeout|hostname|randomBytes|console\.|process\.)/
  for (const { path, text } of sources) {
    if (!/^lib\/(protocol|format)\//.test(path)) continue
    if (banned.test(text)) found.push(path)
    for (const [, names = ''] of text.matchAll(/import (.*) from 'node:fs'/g)) {
      if (names !== '{ constants as fsConstants }') found.push(`${path}: ${names}`)
    }
  }
  t.same(found, [])
})

await t.test('what must not be called is not called', async (t) => {
  const found: string[] = []
  const rules: readonly [room: RegExp, banned: RegExp, instead: string][] = [
    [/^lib\/(?!cli\/)/, /Math\.random\(/, 'the environment'],
    [/^lib\/(?!cli\/)/, /\bconsole\./, 'a diagnostics channel'],
    [/^lib\/(?!cli\/)/, /\bprocess\./, 'an option'],
    [/^lib\//, /\bsleepSync|execSync\(/, 'an asynchronous call'],
    // Nitro imports what a driver's path gives by default.
    [/^(?!lib\/adapters\/unstorage\.ts)/, /^export default/m, 'a named export'],
    [/^(lib|test|bench|examples)\//, /\b(FIXME|XXX)\b/, 'the work itself'],
    [/^test\//, /\.(only|todo)\(/, 'a test that runs'],
  ]
  for (const { path, text } of sources.filter((source) => source.path !== 'test/tidy.test.ts')) {
    for (const [room, banned, instead] of rules) {
      if (room.test(path) && banned.test(text)) found.push(`${path}: ${banned} (use ${instead})`)
    }
  }
  t.same(found, [])
})

await t.test('everything exported from a module is documented', async (t) => {
  const found: string[] = []
  for (const { path, tree } of sources) {
    if (!path.startsWith('lib/') || path.startsWith('lib/cli/')) continue
    tree.forEachChild((node) => {
      const isExported =
        ts.canHaveModifiers(node) &&
        ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
      if (isExported !== true || ts.getJSDocCommentsAndTags(node).length > 0) return
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart())
      found.push(`${path}:${line + 1}`)
    })
  }
  t.same(found, [])
})

await t.test('every protocol file opens with its steps', async (t) => {
  const plain = ['context.ts', 'file-systems.ts', 'load.ts', 'root.ts', 'value-cache.ts']
  const found = sources.filter(
    ({ path, text }) =>
      dirname(path) === 'lib/protocol' &&
      !plain.includes(basename(path)) &&
      !text.startsWith('/**'),
  )
  t.same(
    found.map(({ path }) => path),
    [],
  )
})

await t.test(
  'the core loads nothing but itself, and packages only when they are needed',
  async (t) => {
    const byPath = new Map(sources.map((source) => [source.path, source]))
    const reached = new Set<string>()
    const packages = new Set<string>()
    const reach = (path: string): void => {
      if (reached.has(path)) return
      reached.add(path)
      for (const imported of importsOf(byPath.get(path)!)) {
        if (byPath.has(imported)) reach(imported)
        else if (!imported.startsWith('node:')) packages.add(packageOf(imported))
      }
    }
    reach('index.ts')
    const strangers = [...reached].filter((path) =>
      /^lib\/(cli|doctor|activity|layers|adapters|gateway|backends\/(memory|s3|postgres)|url|stored-object)\b/.test(
        path,
      ),
    )
    t.same(strangers, [])
    t.same([...packages], ['fs-extra'])
  },
)

await t.test('package.json names the packages that are used, where they are used', async (t) => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
    peerDependencies: Record<string, string>
    devDependencies: Record<string, string>
  }
  const usedIn = (room: RegExp): string[] => {
    const all = sources
      .filter(({ path }) => room.test(path))
      .flatMap((source) => [...importsOf(source)])
    const packages = all.filter((imported) => !/^(node:|lib\/|index\.ts)/.test(imported))
    return [...new Set(packages.map(packageOf))].sort()
  }
  // Peers are what adapters and backends are for; an URL leads to some of these.
  const forPeers = /^lib\/(adapters\/|backends\/|layers\/|url\.ts)/
  const peers = Object.keys(manifest.peerDependencies).sort()
  const isPeer = (name: string): boolean => peers.includes(name)
  const dependencies = Object.keys(manifest.dependencies).sort()
  t.same(
    usedIn(/^lib\//).filter((name) => !isPeer(name)),
    dependencies,
  )
  t.same(usedIn(forPeers).filter(isPeer), peers)
  t.same(
    sources
      .filter(({ path }) => path.startsWith('lib/') && !forPeers.test(path))
      .filter((source) => importsOf(source).some((imported) => isPeer(packageOf(imported)))),
    [],
  )
  for (const version of Object.values(manifest.dependencies)) t.match(version, /^\^?\d/)
})

await t.test('no file names a machine or a registry', async (t) => {
  const files = ['README.md', 'CHANGELOG.md', 'package.json', 'package-lock.json', '.ci/run']
  const docs = [...walk('docs')].filter((path) => path.endsWith('.md'))
  const home = `/${relative('/', ROOT).split('/')[0] ?? ''}/`
  const found = [...files, ...docs, ...paths].filter((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const isBinary = text.includes('\0')
    return (
      !isBinary && (/registry\.npmjs|\bdeb\.debian\.org/.test(text) || text.includes(`${home}main`))
    )
  })
  t.same(
    found.filter((path) => path !== 'test/tidy.test.ts'),
    [],
  )
})
