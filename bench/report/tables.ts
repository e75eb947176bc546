/** Results as Markdown, which can be read on a terminal as well. */
import {
  spreadOf,
  type Answer,
  type CountingResults,
  type CountingSeries,
  type Facts,
  type Group,
  type Results,
} from '../results.js'
import { factInWords, factsInWords, varyingFacts } from './facts.js'
import { tableOf } from './markdown.js'
import { inDigits, spreadInWords } from './numbers.js'

/** All tables, with the names of the questions as headings. */
export function tablesOf(results: Results): string {
  const { answers, readModifyWrite } = results
  return [
    ...factsOfRun(results),
    ...answers.flatMap((answer) => ['', `## ${answer.question}`, '', ...answerTables(answer)]),
    ...(readModifyWrite === undefined
      ? []
      : ['', '## read-modify-write', '', ...countingTables(readModifyWrite)]),
  ].join('\n')
}

/** When, on what, and how much was measured, as a list. */
export function factsOfRun({ measuredOn, machine, versions, options }: Results): string[] {
  const { processor, cores, memoryGiB, system } = machine
  const packages = Object.entries(versions)
    .filter(([, version]) => version !== undefined)
    .map(([name, version]) => `${name} ${version}`)
  const short = options.isShort ? ', a short run that says little' : ''
  return [
    `- ${measuredOn}; ${processor}, ${cores} cores, ${memoryGiB} GiB; ${system}`,
    `- ${packages.join(', ')}`,
    `- ${options.rounds} rounds${short}`,
  ]
}

/** A table of each operation on each file system, and what is missing in them. */
export function answerTables({ groups, missing }: Answer): string[] {
  const titles = new Map<string, Group[]>()
  for (const group of groups) {
    const title = factsInWords(group.facts, ['operation', 'fileSystem'])
    titles.set(title, [...(titles.get(title) ?? []), group])
  }
  const tables = [...titles].flatMap(([title, some]) => ['', `**${title}**`, '', ...rowsOf(some)])
  return [...missingList(missing), ...tables].slice(missing.length === 0 ? 1 : 0)
}

function missingList(missing: readonly string[]): string[] {
  return missing.map((reason) => `- not measured: ${reason}`)
}

function rowsOf(groups: readonly Group[]): string[] {
  const names = varyingFacts(groups.map(({ facts }) => facts))
  const standards = new Set(groups.map(({ comparedWith }) => comparedWith))
  const units = new Set(groups.map(({ unit }) => unit))
  const [unit] = units
  const head = [
    ...names.map((name) => headOf(name)),
    'subject',
    units.size === 1 && unit !== undefined ? unit : 'figure',
    standards.size === 1 ? `times ${[...standards].join('')}` : 'times the row with 1',
  ]
  const rows = groups.flatMap(({ facts, comparedWith, series }) =>
    series.map(({ subject, figures, ratios }) => [
      ...names.map((name) => factInWords(facts, name)),
      subject,
      spreadInWords(figures),
      subject === comparedWith ? '1' : spreadInWords(ratios),
    ]),
  )
  return tableOf(head, rows)
}

function headOf(name: keyof Facts): string {
  const heads: Readonly<Record<keyof Facts, string>> = {
    fileSystem: 'file system',
    operation: 'operation',
    promised: 'promised',
    valueBytes: 'value',
    inFlight: 'in flight',
    objects: 'objects',
    processes: 'processes',
  }
  return heads[name]
}

/** A table of each number of processes. */
export function countingTables({ series, missing }: CountingResults): string[] {
  const numbers = [...new Set(series.map(({ processes }) => processes))]
  const tables = numbers.flatMap((processes) => {
    const title = processes === 1 ? 'One process' : `${processes} processes`
    const ofNumber = series.filter((each) => each.processes === processes)
    return ['', `**${title}**`, '', ...countingTable(ofNumber, processes > 1)]
  })
  return [...missingList(missing), ...tables].slice(missing.length === 0 ? 1 : 0)
}

function countingTable(series: readonly CountingSeries[], isContended: boolean): string[] {
  const rows = series.map((each) => {
    const { promised, subject, comparedWith, perSecond, ratios, least, most } = each
    const shares = [least, most].map((values) => `${(100 * spreadOf(values).median).toFixed(0)} %`)
    return [
      promised,
      subject,
      spreadInWords(perSecond, inDigits),
      subject === comparedWith ? '1' : spreadInWords(ratios),
      ...(isContended ? shares : []),
      accountOf(each),
    ]
  })
  const head = ['promised', 'subject', 'increments/s', 'times linkstore']
  if (isContended) head.push('least', 'most')
  return tableOf([...head, 'acknowledged, lost'], rows)
}

function accountOf({ added, lost, failures }: CountingSeries): string {
  const failed = failures.length === 0 ? '' : `, ${failures.length} failed`
  return `${added}, ${lost}${failed}`
}
