import {
  spreadOf,
  type CountingResults,
  type CountingSeries,
  type Results,
  type Series,
  type SmallValueResults,
} from './results.js'

/** Results as Markdown, which can be read on a terminal as well. */
export function tablesOf(results: Results): string {
  const { machine, versions, options, measuredOn, smallValues, readModifyWrite } = results
  const { processor, cores, memoryGiB, system, fileSystem } = machine
  const { rounds, roundMs } = options
  const packages = Object.entries(versions)
    .filter(([, version]) => version !== undefined)
    .map(([name, version]) => `${name} ${version}`)
  return [
    `- ${measuredOn}; ${processor}, ${cores} cores, ${memoryGiB} GiB; ${system}, ${fileSystem}`,
    `- ${packages.join(', ')}`,
    `- ${rounds} rounds of ${roundMs} ms`,
    ...(smallValues === undefined ? [] : smallValueTables(smallValues)),
    ...(readModifyWrite === undefined ? [] : countingTables(readModifyWrite)),
  ].join('\n')
}

function smallValueTables({ valueBytes, keys, series }: SmallValueResults): string[] {
  return [
    `- ${keys} keys, values of ${valueBytes} bytes`,
    '',
    '**Writes**',
    '',
    ...tableOf(series.filter(({ operation }) => operation === 'set')),
    '',
    '**Reads**',
    '',
    ...tableOf(series.filter(({ operation }) => operation === 'get')),
  ]
}

function countingTables({ series, missing }: CountingResults): string[] {
  const numbers = [...new Set(series.map(({ processes }) => processes))]
  const tables = numbers.flatMap((processes) => {
    const title = processes === 1 ? 'One process' : `${processes} processes`
    const ofNumber = series.filter((each) => each.processes === processes)
    return ['', `**${title}**`, '', ...countingTable(ofNumber, processes > 1)]
  })
  return [...missing.map((reason) => `- not measured: ${reason}`), ...tables]
}

function countingTable(series: readonly CountingSeries[], isContended: boolean): string[] {
  const rows = series.map((each) => {
    const { promised, subject, comparedWith, perSecond, ratios, least, most } = each
    const shares = [least, most].map((values) => `${(100 * spreadOf(values).median).toFixed(0)} %`)
    return [
      promised,
      subject,
      figures(perSecond, 0),
      subject === comparedWith ? '1' : figures(ratios, spreadOf(ratios).median < 0.1 ? 3 : 2),
      ...(isContended ? shares : []),
      accountOf(each),
    ]
  })
  const head = ['promised', 'subject', 'increments/s', 'times linkstore']
  if (isContended) head.push('least', 'most')
  return alignedTable([[...head, 'acknowledged, lost'], ...rows])
}

function accountOf({ added, lost, failures }: CountingSeries): string {
  const failed = failures.length === 0 ? '' : `, ${failures.length} failed`
  return `${added}, ${lost}${failed}`
}

function tableOf(series: readonly Series[]): string[] {
  const hasPromises = series.some(({ promised }) => promised !== '')
  const rows = series.map((each) => {
    const cells = [
      String(each.inFlight),
      each.promised,
      each.subject,
      figures(each.microseconds, 0),
      each.subject === each.comparedWith ? '1' : figures(each.ratios, 2),
    ]
    return hasPromises ? cells : cells.filter((_, index) => index !== 1)
  })
  const head = ['in flight', 'promised', 'subject', 'µs per call', 'times linkstore']
  return alignedTable([hasPromises ? head : head.filter((_, index) => index !== 1), ...rows])
}

function figures(numbers: readonly number[], digits: number): string {
  const { median, lowerQuartile, upperQuartile } = spreadOf(numbers)
  const half = `${lowerQuartile.toFixed(digits)} to ${upperQuartile.toFixed(digits)}`
  return `${median.toFixed(digits)} (${half})`
}

function alignedTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0))
    return `| ${cells.join(' | ')} |`
  })
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [lines[0] ?? '', rule, ...lines.slice(1)]
}
