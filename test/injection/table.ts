/**
 * Measures what becomes of every error in every system call of every verb, and writes it into the
 * page: of all verbs, or of those that are named, while the page keeps what it says of the others.
 *
 *     table [PAGE [VERB]...]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { EVERYTHING } from './matrix.js'
import { HEADING, readSection, sectionOf } from './page.js'
import { survey } from './survey.js'
import { VERBS, verbOf } from './verbs.js'

const [path = 'docs/errors.md', ...titles] = process.argv.slice(2)
const page = readFileSync(path, 'utf8')
const chosen = titles.length === 0 ? VERBS : titles.map(verbOf)

let problems = 0
const measured = await survey(
  chosen.map((verb) => ({
    verb,
    setting: { face: verb.only ?? 'sync', fresh: true },
    selection: EVERYTHING,
  })),
  (_errand, { title, rows }) => {
    process.stderr.write(`${title}: ${rows.length} calls\n`)
    for (const { label, cells } of rows) {
      for (const [column, cell] of cells) {
        for (const problem of cell.problems) {
          problems += 1
          process.stderr.write(`  ${label}, ${column}: ${problem}\n`)
        }
      }
    }
  },
)
const written = readSection(page)
for (const verb of measured) written.set(verb.title, verb)
const all = VERBS.flatMap(({ title }) => written.get(title) ?? [])
const [before = ''] = page.split(`\n${HEADING}\n`)
writeFileSync(path, `${before.trimEnd()}\n\n${sectionOf(all)}`)
process.stderr.write(problems === 0 ? `${path} is written\n` : `${problems} problems\n`)
process.exitCode = problems === 0 ? 0 : 1
