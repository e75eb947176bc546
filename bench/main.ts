/** The program behind `npm run bench`. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dir } from 'tmp-promise'
import writeFileAtomic from 'write-file-atomic'
import { describeMachine } from './machine.js'
import { measureReadModifyWrite } from './read-modify-write.js'
import type { Options, Results } from './results.js'
import { measureSmallValues } from './small-values.js'
import { PACKAGES, versionOf } from './subjects.js'
import { tablesOf } from './tables.js'

const HELP = `Measures linkstore and what is used in its place; see docs/benchmarks.md.

  --only QUESTION   small-values or read-modify-write; otherwise both
  --rounds N        how many rounds; default 7
  --quick           three short rounds, to see that it works
  --out FILE        write the results to FILE as JSON
  --markdown FILE   measure nothing, print the tables of results written before

The scratch directory is made where TMPDIR says: that file system is measured.
`

const QUESTIONS = ['small-values', 'read-modify-write'] as const
type Question = (typeof QUESTIONS)[number]

try {
  await run()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof TypeError || error instanceof RangeError ? 2 : 3
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      markdown: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(HELP)
  else if (values.markdown !== undefined) await show(values.markdown)
  else {
    const questions = questionsOf(values.only)
    await measure(questions, optionsOf(values.quick, values.rounds), values.out)
  }
}

function questionsOf(only: string | undefined): readonly Question[] {
  if (only === undefined) return QUESTIONS
  const question = QUESTIONS.find((name) => name === only)
  if (question === undefined) throw new RangeError(`--only takes ${QUESTIONS.join(' or ')}`)
  return [question]
}

function optionsOf(quick: boolean, rounds: string | undefined): Options {
  const usual: Options = quick ? { rounds: 3, roundMs: 60 } : { rounds: 7, roundMs: 300 }
  if (rounds === undefined) return usual
  if (!/^[1-9]\d{0,3}$/.test(rounds)) throw new RangeError('--rounds must be from 1 to 9999')
  return { ...usual, rounds: Number(rounds) }
}

async function show(file: string): Promise<void> {
  print(JSON.parse(await readFile(file, 'utf8')) as Results)
}

async function measure(
  questions: readonly Question[],
  options: Options,
  out: string | undefined,
): Promise<void> {
  const scratch = await dir({ prefix: 'linkstore-bench', unsafeCleanup: true })
  try {
    const announce =
      (question: Question) =>
      (round: number): void =>
        void process.stderr.write(`${question}, round ${round + 1} of ${options.rounds}\n`)
    const facts = {
      measuredOn: new Date().toISOString().slice(0, 10),
      machine: await describeMachine(scratch.path),
      versions: versionsHere(),
      options,
    }
    const answers: Partial<Results>[] = []
    for (const question of questions) {
      const path = join(scratch.path, question)
      await mkdir(path)
      const rounds = announce(question)
      answers.push(
        question === 'small-values'
          ? { smallValues: await measureSmallValues(path, options, rounds) }
          : { readModifyWrite: await measureReadModifyWrite(path, options, rounds) },
      )
    }
    const results = answers.reduce<Results>((all, answer) => ({ ...all, ...answer }), facts)
    print(results)
    if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify(results, null, 2)}\n`)
  } finally {
    await scratch.cleanup()
  }
}

function versionsHere(): Results['versions'] {
  const { node, sqlite } = process.versions
  const packages = PACKAGES.map((name) => [name, versionOf(name)] as const)
  return { node, ...Object.fromEntries(packages), SQLite: sqlite }
}

function print(results: Results): void {
  process.stdout.write(`${tablesOf(results)}\n`)
}
