/** The table as TypeScript, and as the page of the documentation has it. */
import { callsIn, textOf, type Row } from './row.js'

const MAX_COLUMNS = 100

const SOURCE_HEAD = `
/** What each verb costs on a local file system; \`npm run calls\` measures and writes it. */
import type { Row } from './row.js'

/** All rows, in the order of verbs.ts. */
export const ROWS: readonly Row[] = [
`.trimStart()

const PAGE_HEAD = [
  '| | System calls | Hops | Later | The system calls |',
  '| --- | --- | --- | --- | --- |',
]

/** The module that has these rows. */
export function sourceOf(rows: readonly Row[]): string {
  const objects = rows.map((row) => {
    const properties = Object.entries(row).map(
      ([name, text]) => `    ${name}: ${literalOf(text as string, `    ${name}: `.length + 1)},\n`,
    )
    return `  {\n${properties.join('')}  },\n`
  })
  return `${SOURCE_HEAD}${objects.join('')}]\n`
}

/** A string in quotes as prettier wants them, or over several lines if it is too long. */
function literalOf(text: string, column: number): string {
  const quote = text.includes("'") ? '"' : "'"
  if (column + text.length + 2 <= MAX_COLUMNS) return quote + text + quote
  let line = '     '
  const lines: string[] = []
  for (const call of text.split(/(?<=,) /)) {
    if (line.length + 1 + call.length > MAX_COLUMNS - 2) {
      lines.push(line)
      line = '     '
    }
    line += ` ${call}`
  }
  return `\`\n${[...lines, line].join('\n')}\``
}

/** The lines of the table in the documentation. */
export function pageLines(rows: readonly Row[]): string[] {
  const lines = rows.map(({ verb, calls, asynchronous, awaited, later }) => {
    const lists = [calls, ...(asynchronous === undefined ? [] : [asynchronous])].map(callsIn)
    const counts = lists.map(({ length }) => length).join(' or ')
    const texts = lists.map(textOf).join('; with `open` ')
    return `| ${verb} | ${counts} | ${count(awaited)} | ${count(later)} | ${texts} |`
  })
  return [...PAGE_HEAD, ...lines]
}

function count(text: string): number {
  return callsIn(text).length
}

/** The lines of that table in a page; none if it is not there. */
export function linesIn(page: string): string[] {
  const lines = page.split('\n')
  const start = lines.indexOf(PAGE_HEAD[0]!)
  return start === -1 ? [] : lines.slice(start, lines.indexOf('', start))
}

/** A page with these rows in place of those that it has. */
export function withRows(page: string, rows: readonly Row[]): string {
  const before = linesIn(page)
  if (before.length === 0) throw new Error(`the page has no table with the head ${PAGE_HEAD[0]}`)
  return page.replace(before.join('\n'), () => pageLines(rows).join('\n'))
}
