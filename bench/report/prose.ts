import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Compiled or not, the texts are in the package. */
const PACKAGE_PATH = dirname(createRequire(import.meta.url).resolve('linkstore/package.json'))

/** What a page says that no measurement can change. */
export async function readProse(name: string): Promise<string> {
  const text = await readFile(join(PACKAGE_PATH, 'bench/report', `${name}.md`), 'utf8')
  return text.trim()
}
