import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { entryPoints } from './.entry-points.js'

const BUILT = join(import.meta.dirname, 'dist')
/** What every module of tsc's brings about, and what is known to do no harm. */
const EXPECTED = ['THIS_IS_UNDEFINED', 'CIRCULAR_DEPENDENCY']

/** What tsc ends a file with. */
const MAP_COMMENT = /^\/\/# sourceMappingURL=.*$/m

/** What tsc has built, with its maps, so that those of the bundle lead to the sources. */
const builtFiles = {
  name: 'built-files',
  load: (path) => ({
    code: readFileSync(path, 'utf8').replace(MAP_COMMENT, ''),
    map: readFileSync(`${path}.map`, 'utf8'),
  }),
}

/** Comments are a quarter of all that Node would have to read; the sources are there as well. */
const withoutComments = {
  name: 'without-comments',
  renderChunk: (code) => {
    const { outputText, sourceMapText } = ts.transpileModule(code, {
      compilerOptions: {
        target: ts.ScriptTarget.ESNext,
        module: ts.ModuleKind.ESNext,
        removeComments: true,
        sourceMap: true,
      },
    })
    return { code: outputText.replace(MAP_COMMENT, ''), map: sourceMapText }
  },
}

/**
 * commander is CommonJS behind a thin module. Required as what it is, Node does not have to search
 * its text for what it might export, which takes longer than to run it.
 */
const COMMANDER = '\0commander'
const requiredCommander = {
  name: 'required-commander',
  resolveId: (id) => (id === 'commander' ? COMMANDER : null),
  load: (id) =>
    id === COMMANDER
      ? `import { createRequire } from 'node:module'
         export const { Command, CommanderError, InvalidArgumentError, Option } =
           createRequire(import.meta.url)('commander')`
      : null,
}

/** What `import 'linkstore'` reaches; what has an import of its own never gets in between. */
let library

function libraryOf(getModuleInfo) {
  const reached = new Set()
  const reach = (id) => {
    if (reached.has(id)) return
    reached.add(id)
    for (const imported of getModuleInfo(id)?.importedIds ?? []) reach(imported)
  }
  reach(join(BUILT, 'index.js'))
  return reached
}

/**
 * Every run needs the library as a whole, and of the command what needs nothing but Node and
 * commander: one file each. The rest is divided by what leads to it.
 */
function chunkOf(id, { getModuleInfo }) {
  const isLight = (id) =>
    id.startsWith('node:') ||
    id === COMMANDER ||
    (/\/lib\/cli\/[^/]*$/.test(id) && getModuleInfo(id).importedIds.every(isLight))
  if (getModuleInfo(id).isEntry) return undefined
  library ??= libraryOf(getModuleInfo)
  if (library.has(id)) return 'library'
  const path = relative(BUILT, id)
  // Loads a module of Node's that takes longer to load than all of this.
  if (/^lib\/structured-clone\b/.test(path)) return 'structured-clone'
  if (/^lib\/adapters\//.test(path)) return 'adapters'
  const [, backend] = /^lib\/backends\/([^/]+)\//.exec(path) ?? []
  if (backend !== undefined) return `${backend}-requests`
  if (/^lib\/(layers\/|[^/]+$)/.test(path)) return 'layers'
  return isLight(id) ? 'command' : undefined
}

/** What can be imported, by the name of its file. */
function exported() {
  return Object.fromEntries(
    entryPoints().map(({ bundle, source }) => [
      bundle,
      join(BUILT, source.replace(/\.ts$/, '.js')),
    ]),
  )
}

/** What is published, out of what tsc has built: docs/decisions/0021-bundled-package.md. */
export default {
  input: {
    ...exported(),
    cli: join(BUILT, 'lib/cli/main.js'),
    'demo-worker': join(BUILT, 'lib/cli/demo/demo-worker.js'),
    'doctor-worker': join(BUILT, 'lib/cli/doctor/doctor-worker.js'),
    'health-worker': join(BUILT, 'lib/cli/health/health-worker.js'),
  },
  external: /^(?!commander$)[@a-z]/,
  plugins: [requiredCommander, builtFiles, withoutComments],
  onwarn: (warning) => {
    if (!EXPECTED.includes(warning.code)) throw new Error(warning.message)
  },
  output: {
    dir: join(BUILT, 'bundle'),
    chunkFileNames: '[name].js',
    manualChunks: chunkOf,
    hoistTransitiveImports: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
}
