import { spreadOf, type Results, type Series } from './results.js'

/** Results as Markdown, which can be read on a terminal as well. */
export function tablesOf(results: Results): string {
  const { machine, versions, options, valueBytes, keys, measuredOn, series } = results
  const { processor, cores, memoryGiB, system, fileSystem } = machine
  const { rounds, roundMs } = options
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const facts = [
    `${measuredOn}; ${processor}, ${cores} cores, ${memoryGiB} GiB; ${system}, ${fileSystem}`,
    packages.join(', '),
    `${keys} keys, values of ${valueBytes} bytes; ${rounds} rounds of ${roundMs} ms`,
  ]
  return [
    ...facts.map((fact) => `- ${fact}`),
    '',
    '**Writes**',
    '',
    ...tableOf(series.filter(({ operation }) => operation === 'set')),
    '',
    '**Reads**',
    '',
    ...tableOf(series.filter(({ operation }) => operation === 'get')),
  ].join('\n')
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
