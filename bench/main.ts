/** The program behind `npm run bench`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import writeFileAtomic from 'write-file-atomic'
import { describeMachine } from './machine.js'
import { PACKAGE_PATH, versionsHere } from './package.js'
import { QUESTIONS } from './questions/index.js'
import type { Question, Scratch } from './questions/question.js'
import { measureReadModifyWrite } from './questions/read-modify-write.js'
import { compare, tablesOf, writePage } from './report/index.js'
import {
  answeredAgain,
  type Answer,
  type CountingResults,
  type Options,
  type Results,
} from './results.js'
import { withPlace, withScratches, onDisk } from './scratches.js'
import { judge } from './targets.js'

const COUNTING = 'read-modify-write'
const NAMES = [...QUESTIONS.map(({ name }) => name), COUNTING]

const HELP = `Measures linkstore and what is used in its place; see docs/benchmarks.md.

Without any option it answers all questions and writes docs/benchmarks.md anew.

  --only QUESTIONS  some of them, with commas between:
                    ${NAMES.slice(0, 5).join(', ')},
                    ${NAMES.slice(5).join(', ')}
  --rounds N        how many rounds; default 7, or 3 if it is short
  --short           some minutes; what it says is rough
  --objects N       how large a store grows; default 1000000, or 20000 if it is short
  --out FILE        write the results to FILE as JSON
  --into FILE       the same, beside what FILE says about other questions
  --markdown FILE   measure nothing, take the results that were written to FILE
  --page            write docs/benchmarks.md with its charts
  --compare FILE    say what has changed since the results in FILE; exit status 1 if it got worse
  --judge           fail if a ratio is far from what is to be reached: exit status 1

It measures in memory, if /dev/shm is that, and on the file system where TMPDIR is.
`

/** How far from its target a ratio may be, on a machine that has other work to do. */
const TOLERANCE = 0.5

try {
  await run()
} catch (error) {
  // Any other TypeError is a mistake of this program.
  const isMisuse = error instanceof RangeError || isUnknownOption(error)
  const text = error instanceof Error ? (isMisuse ? error.message : error.stack) : undefined
  process.stderr.write(`${text ?? String(error)}\n`)
  process.exitCode = isMisuse ? 2 : 3
}

function isUnknownOption(error: unknown): boolean {
  return ((error as NodeJS.ErrnoException).code ?? '').startsWith('ERR_PARSE_ARGS')
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      short: { type: 'boolean', default: false },
      objects: { type: 'string' },
      out: { type: 'string' },
      into: { type: 'string' },
      markdown: { type: 'string' },
      page: { type: 'boolean', default: process.argv.length === 2 },
      compare: { type: 'string' },
      judge: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const names = namesOf(values.only)
  const options = optionsOf(values)
  const earlier = values.compare === undefined ? undefined : await resultsIn(values.compare)
  const whole = values.into === undefined ? undefined : await resultsIn(values.into)
  const found =
    values.markdown === undefined
      ? await withScratches((scratches) => measure(names, options, scratches))
      : await resultsIn(values.markdown)
  const results = whole === undefined ? found : answeredAgain(whole, found)
  for (const file of [values.out, values.into]) if (file !== undefined) await write(file, results)
  process.stdout.write(`${tablesOf(results)}\n`)
  if (values.page) await writePage(results, join(PACKAGE_PATH, 'docs'))
  if (earlier !== undefined) conclude(compare(results, earlier), ({ isWorse }) => isWorse)
  if (values.judge) conclude(judge(results, TOLERANCE), ({ failed }) => failed)
}

function conclude<T extends { text: string }>(verdict: T, isBad: (verdict: T) => boolean): void {
  process.stdout.write(`\n${verdict.text}\n`)
  if (isBad(verdict)) process.exitCode = 1
}

function namesOf(only: string | undefined): readonly string[] {
  if (only === undefined) return NAMES
  const names = only.split(',')
  const unknown = names.find((name) => !NAMES.includes(name))
  if (unknown === undefined) return names
  throw new RangeError(`there is no question ${unknown}, only ${NAMES.join(', ')}`)
}

function optionsOf(flags: {
  readonly short: boolean
  readonly rounds?: string
  readonly objects?: string
}): Options {
  const { short: isShort } = flags
  return {
    rounds: numberOf('--rounds', flags.rounds, isShort ? 3 : 7, 1),
    isShort,
    objects: numberOf('--objects', flags.objects, isShort ? 20_000 : 1_000_000, 2000),
  }
}

function numberOf(name: string, text: string | undefined, usual: number, least: number): number {
  if (text === undefined) return usual
  const number = /^\d{1,8}$/.test(text) ? Number(text) : 0
  if (number >= least) return number
  throw new RangeError(`${name} must be a number from ${least} to 99999999`)
}

async function measure(
  names: readonly string[],
  options: Options,
  scratches: readonly Scratch[],
): Promise<Results> {
  const facts = {
    measuredOn: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    versions: versionsHere(),
    options,
  }
  const answers: Answer[] = []
  for (const question of QUESTIONS.filter(({ name }) => names.includes(name))) {
    answers.push(await ask(question, scratches, options))
  }
  if (!names.includes(COUNTING)) return { ...facts, answers }
  return { ...facts, answers, readModifyWrite: await count(onDisk(scratches), options) }
}

async function ask(
  question: Question,
  scratches: readonly Scratch[],
  options: Options,
): Promise<Answer> {
  const announce = announcer(question.name)
  return await question.measure(scratches, options, announce)
}

async function count(scratch: Scratch, { rounds, isShort }: Options): Promise<CountingResults> {
  const announce = announcer(COUNTING)
  const effort = { rounds, roundMs: isShort ? 30 : 300 }
  return await withPlace(scratch, (place) =>
    measureReadModifyWrite(place, effort, (round) =>
      announce(`round ${round + 1} of ${effort.rounds}`),
    ),
  )
}

function announcer(name: string): (what: string) => void {
  const startMs = performance.now()
  return (what) => {
    const seconds = ((performance.now() - startMs) / 1000).toFixed(0)
    process.stderr.write(`${name}, ${seconds} s: ${what}\n`)
  }
}

async function resultsIn(file: string): Promise<Results> {
  return JSON.parse(await readFile(file, 'utf8')) as Results
}

async function write(file: string, results: Results): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(results, null, 2)}\n`)
}
