import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { entryPoints } from './.entry-points.js'

const BUILT = join(import.meta.dirname, 'dist')
/** What every module of tsc's brings about, and what is known to do no harm. */
const EXPECTED = ['THIS_IS_UNDEFINED', 'CIRCULAR_DEPENDENCY']

/** What tsc has built, with its maps, so that those of the bundle lead to the sources. */
const builtFiles = {
  name: 'built-files',
  load: (path) => ({
    code: readFileSync(path, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, ''),
    map: readFileSync(`${path}.map`, 'utf8'),
  }),
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

/** What every import of the library loads: not what only `linkstore/activity` needs. */
const LIBRARY = /^lib\/(?!cli\/|doctor\/|activity\/|protocol\/(activity|census)\.js)/

/**
 * Every run needs the library as a whole, and of the command what needs nothing but Node and
 * commander: one file each. The rest is divided by what leads to it.
 */
function chunkOf(path, { getModuleInfo }) {
  const isLight = (id) =>
    id.startsWith('node:') ||
    id === COMMANDER ||
    (/\/lib\/cli\/[^/]*$/.test(id) && getModuleInfo(id).importedIds.every(isLight))
  if (getModuleInfo(path).isEntry) return undefined
  // Loads a module of Node's that takes longer to load than all of this.
  if (/^lib\/structured-clone\b/.test(relative(BUILT, path))) return 'structured-clone'
  if (/^lib\/adapters\//.test(relative(BUILT, path))) return 'adapters'
  if (/^lib\/backends\/s3\//.test(relative(BUILT, path))) return 's3-requests'
  if (/^lib\/(layers\/|(stored-object|memory-objects)\b)/.test(relative(BUILT, path)))
    return 'layers'
  if (LIBRARY.test(relative(BUILT, path))) return 'library'
  return isLight(path) ? 'command' : undefined
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
  plugins: [requiredCommander, builtFiles],
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
