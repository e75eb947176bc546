import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { WITHOUT_STRACE } from '../support/surroundings.js'
import type { Setting } from './lane.js'
import { AFTER, BEFORE, ERRORS, EVERYTHING, type Measured, type Selection } from './matrix.js'
import { readSection } from './page.js'
import { survey, type Errand } from './survey.js'
import { VERBS } from './verbs.js'

const isFull = process.env['LINKSTORE_INJECTIONS'] === 'all'
const PAGE = new URL('../../docs/errors.md', import.meta.url)

/** The errors that could be taken for absence; they are tried in every call. */
const DOUBTFUL = ['ESTALE', 'ENOENT']
const OTHERS = ERRORS.filter((error) => !DOUBTFUL.includes(error))

/** Calls that change something, and so make a difference to a process that is killed. */
const CHANGING = /^(open private|write|rename|link|unlink|mkdir|rmdir|f?chmod)/

/** A part of the matrix, another one for each call; over all of them every error is in it. */
function partOf(verb: number, isThorough: boolean): Selection {
  if (isFull) return EVERYTHING
  const errors = (call: number): readonly string[] => {
    if (!isThorough) return [ERRORS[(verb + call) % ERRORS.length]!]
    return [...DOUBTFUL, OTHERS[(verb + call) % OTHERS.length]!]
  }
  return { errors, isKilled: (label) => isThorough && CHANGING.test(label) }
}

function errandsOf(setting: Setting, isThorough: boolean): Errand[] {
  return VERBS.map((verb, index) => ({
    verb,
    setting: { ...setting, face: verb.only ?? setting.face },
    selection: partOf(index, isThorough),
  }))
}

/** That nothing is wrong with any cell; says how many there were. */
function checkCells(t: Test, measured: readonly Measured[]): void {
  let cells = 0
  for (const { title, rows } of measured) {
    const found = rows.flatMap(({ label, cells: inRow }) =>
      [...inRow].flatMap(([column, { problems }]) =>
        problems.map((problem) => `${label}, ${column}: ${problem}`),
      ),
    )
    cells += rows.reduce((sum, row) => sum + row.cells.size, 0)
    t.same(found, [], title)
  }
  t.comment(`${cells} runs`)
}

const REMEDY = 'if that is as it should be, run node dist/test/injection/table.js'

/** That the page says the same. */
function compareWithPage(t: Test, measured: readonly Measured[]): void {
  const page = readSection(readFileSync(PAGE, 'utf8'))
  t.same(
    [...page.keys()],
    VERBS.map(({ title }) => title),
    'the page has all verbs',
  )
  for (const { title, rows } of measured) {
    const written = page.get(title)?.rows ?? []
    const labels = rows.map(({ label }) => label)
    t.same(
      written.map(({ label }) => label),
      labels,
      `${title}: its calls; ${REMEDY}`,
    )
    const differing = rows.flatMap(({ label, cells }, index) =>
      [...cells].flatMap(([column, { text }]) => {
        const said = written[index]?.cells.get(column)?.text
        return said === text ? [] : [`${label}, ${column}: ${text}, the page has ${said}`]
      }),
    )
    t.same(differing, [], `${title}: its outcomes; ${REMEDY}`)
  }
}

const skip = WITHOUT_STRACE && `${WITHOUT_STRACE}: apt-get install strace`
const full = { skip, timeout: isFull ? 3_600_000 : 600_000 }

await t.test('whatever a system call answers, a verb succeeds or fails typed', full, async (t) => {
  const measured = await survey(errandsOf({ face: 'sync', fresh: true }, true))
  checkCells(t, measured)
  compareWithPage(t, measured)
})

await t.test('so it is where no directory is revalidated', full, async (t) => {
  checkCells(t, await survey(errandsOf({ face: 'sync', fresh: false }, false)))
})

await t.test('so it is on the asynchronous face', full, async (t) => {
  checkCells(t, await survey(errandsOf({ face: 'async', fresh: true }, false)))
})

await t.test('the page tells of every error and both kinds of death', async (t) => {
  for (const { title, rows } of readSection(readFileSync(PAGE, 'utf8')).values()) {
    for (const { label, cells } of rows) {
      const columns = [...cells].filter(([, { text }]) => text !== '').map(([column]) => column)
      t.same(columns, [...ERRORS, BEFORE, AFTER], `${title}: ${label}`)
    }
  }
})
