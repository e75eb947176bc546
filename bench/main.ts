/** The program behind `npm run bench`. */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { tablesOf } from './report/index.js'
import type { Results } from './results.js'

const { values } = parseArgs({ options: { markdown: { type: 'string' } } })
if (values.markdown !== undefined) {
  const results = JSON.parse(await readFile(values.markdown, 'utf8')) as Results
  process.stdout.write(`${tablesOf(results)}\n`)
}
