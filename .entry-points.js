import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const BUILT = './dist/'

/**
 * What can be imported, as package.json says: the name to import it by, the source, and the name of
 * the file that is published.
 */
export function entryPoints() {
  const text = readFileSync(join(import.meta.dirname, 'package.json'), 'utf8')
  const { name, exports } = JSON.parse(text)
  return Object.entries(exports)
    .filter(([, { types }]) => types !== undefined)
    .map(([path, { types, default: file }]) => ({
      specifier: join(name, path),
      source: types.replace(BUILT, '').replace(/\.d\.ts$/, '.ts'),
      bundle: basename(file, '.js'),
    }))
}
