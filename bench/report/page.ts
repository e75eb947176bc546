/** Writes docs/benchmarks.md and its charts, wholly from results and from what is said of them. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Question } from '../questions/question.js'
import type { Answer, CountingResults, Results } from '../results.js'
import { verdictsOf, verdictTable } from '../targets.js'
import { chartOf, countingGroups } from './chart.js'
import { readProse } from './prose.js'
import { answerTables, countingTables, factsOfRun } from './tables.js'
import { winsOf } from './wins.js'

/** Longer tables are folded, lest they bury the text. */
const MOST_OPEN_LINES = 40

/** What a question says of itself. */
export type QuestionText = Omit<Question, 'measure'>

const COUNTING = {
  name: 'read-modify-write',
  asks: 'Changing a value that others change, too',
}

/** Replaces the page and the directory of its charts. */
export async function writePageOf(
  results: Results,
  docsDirectory: string,
  questions: readonly QuestionText[],
): Promise<void> {
  const charts = join(docsDirectory, 'benchmarks')
  await rm(charts, { recursive: true, force: true })
  await mkdir(charts, { recursive: true })
  const sections: string[] = []
  for (const question of questions) {
    const answer = results.answers.find((each) => each.question === question.name)
    if (answer === undefined || answer.groups.length === 0) continue
    const chart = chartOf(question.asks, answer, question.chart)
    await writeFile(join(charts, `${question.name}.svg`), chart)
    sections.push(sectionOf(question, answer))
  }
  const { readModifyWrite } = results
  if (readModifyWrite !== undefined) {
    const answer = { groups: countingGroups(readModifyWrite) }
    const how = { shows: 'ratios', columns: 'processes' } as const
    await writeFile(join(charts, `${COUNTING.name}.svg`), chartOf(COUNTING.asks, answer, how))
  }
  const page = [
    '# Benchmarks',
    await readProse('prose/head'),
    factsOfRun(results).join('\n'),
    '## What was to be reached',
    await readProse('prose/targets'),
    verdictTable(verdictsOf(results)).join('\n'),
    '## Who takes part',
    await readProse('prose/subjects'),
    ...sections,
    await countingSection(readModifyWrite),
    await readProse('experiments'),
  ]
  await writeFile(join(docsDirectory, 'benchmarks.md'), `${page.join('\n\n')}\n`)
}

function sectionOf({ name, asks, explains, whyOthersWin }: QuestionText, answer: Answer): string {
  return [
    `## ${asks}`,
    explains.trim(),
    chartLink(name, asks),
    folded(answerTables(answer)),
    '### Where others win, and why',
    winsOf(answer, whyOthersWin).join('\n'),
  ].join('\n\n')
}

async function countingSection(results: CountingResults | undefined): Promise<string> {
  const { name, asks } = COUNTING
  const measured =
    results === undefined
      ? ['It was not measured in this run.']
      : [chartLink(name, asks), folded(countingTables(results))]
  return [
    `## ${asks}`,
    await readProse('prose/read-modify-write'),
    ...measured,
    await readProse('prose/read-modify-write-on-nfs'),
    await readProse('prose/read-modify-write-others'),
  ].join('\n\n')
}

function chartLink(name: string, asks: string): string {
  return `![${asks}](benchmarks/${name}.svg)`
}

function folded(lines: readonly string[]): string {
  if (lines.length <= MOST_OPEN_LINES) return lines.join('\n')
  const head = ['<details>', '<summary>All figures</summary>', '']
  return [...head, ...lines, '', '</details>'].join('\n')
}
