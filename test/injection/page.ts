/** The section of docs/errors.md: written from what was measured, and read to be compared. */
import { AFTER, BEFORE, ERRORS, type Measured } from './matrix.js'

/** The heading that the section begins with; it is the last one of the page. */
export const HEADING = '## Injected errors'

const COLUMNS = [...ERRORS, BEFORE, AFTER]
const WIDTH = 100

/** Words that fit into a table. What is not among them stands for itself. */
const SHORT: readonly (readonly [text: string, short: string])[] = [
  ['UNAVAILABLE', 'UNAVAIL'],
  ['ACCESS_DENIED', 'DENIED'],
  ['NO_SPACE', 'SPACE'],
  ['NOT_A_STORE', 'NO STORE'],
  ['NOT_SUPPORTED', 'NO LINKS'],
]

const INTRODUCTION = `
What becomes of a verb when one of its system calls fails, or when its process is killed before or
after that call. Measured with \`strace -e inject=\`: the call is not made, and the error is all
that comes back. Whatever it is, the verb succeeds or fails with a \`StoreError\`; each key has its
old value or its new one; \`verify\` finds nothing afterwards; the same process goes on with the
next operation; and a sweep removes what is left and nothing else.

These are the verbs of the synchronous face (and streams, of the other), under \`full\` durability
and with \`fresh: true\`, as on NFS. On a local file system the calls that revalidate a directory
fall away. The tests repeat a part of it, and with \`LINKSTORE_INJECTIONS=all\` all of it, with
\`fresh: false\` and on the asynchronous face too. \`node dist/test/injection/table.js\` measures
everything again and writes this section.

- **done**: The verb did all it should: the call was made again, there was another way, or only a
  clean-up failed.
- **IO**, **UNAVAIL**, **DENIED**, **SPACE**, **NO STORE**, **NO LINKS**: It failed with \`IO\`,
  \`UNAVAILABLE\`, \`ACCESS_DENIED\`, \`NO_SPACE\`, \`NOT_A_STORE\`, \`NOT_SUPPORTED\`, and the old
  value is there.
- The same with **+**: It failed with that, and yet the new value is there: what failed came after.
- The same with **±**: It failed half-way: of \`clear\` some objects are gone, of \`rename\` both
  keys have the value.
- **read-only**: The store was opened for reading only.
- **in part**: The sweep says what it did, and leaves the rest to the next one.
- **believed**: This call is all the proof there is. A file system that lies there makes a listing
  miss keys, expired objects count as live ones, or a sweep drop what it should have put back.
- **old**, **new**: Killed there, the key has its old value, its new one. **same**: they are one.

EINTR is mostly done since Node makes such a call again. A private name is left where its removal
fails, or by a kill. Private files are called a, b and so on; the other object in the same shard
directory, neighbour; the key that is copied or renamed to, target.
`

/** The whole section. */
export function sectionOf(measured: readonly Measured[]): string {
  return [HEADING, INTRODUCTION.trimEnd(), '', ...measured.map(verbSection)].join('\n')
}

function verbSection({ title, rows }: Measured): string {
  const calls = rows.map(({ label }, index) => `${index + 1} ${label}`).join('; ')
  const groups = new Map<string, number[]>()
  for (const [index, { cells }] of rows.entries()) {
    const text = COLUMNS.map((column) => shorten(cells.get(column)?.text ?? '')).join(' | ')
    groups.set(text, [...(groups.get(text) ?? []), index + 1])
  }
  const lines = [...groups].map(([text, numbers]) => `| ${rangesOf(numbers)} | ${text} |`)
  const head = `| Call | ${COLUMNS.join(' | ')} |\n|${' --- |'.repeat(COLUMNS.length + 1)}`
  return `### ${title}\n\n${wrap(`${calls}.`)}\n\n${head}\n${lines.join('\n')}\n`
}

/** What a page says of each verb: its calls, and in each a cell for each column. */
export function readSection(page: string): Map<string, Measured> {
  const [, section = ''] = page.split(`\n${HEADING}\n`)
  const verbs = section.split(/^### /m).slice(1)
  return new Map(verbs.map((text) => [text.slice(0, text.indexOf('\n')), readVerb(text)]))
}

function readVerb(text: string): Measured {
  const [title = '', , ...rest] = text.split('\n')
  const end = rest.indexOf('')
  const calls = rest.slice(0, end).join(' ').replace(/\.$/, '').split('; ')
  const rows = calls.map((call) => ({ label: call.replace(/^\d+ /, ''), cells: new Map() }))
  for (const line of rest.slice(end + 1).filter((each) => /^\| \d/.test(each))) {
    const [numbers = '', ...texts] = line.slice(2, -2).split(' | ')
    for (const number of numbersOf(numbers)) {
      const { cells } = rows[number - 1]!
      texts.forEach((short, at) => cells.set(COLUMNS[at], { text: lengthen(short), problems: [] }))
    }
  }
  return { title, rows }
}

function shorten(text: string): string {
  const [, short] = SHORT.find(([long]) => text.startsWith(long)) ?? []
  return short === undefined ? text : short + text.replace(/^[A-Z_]+/, '')
}

function lengthen(text: string): string {
  const [long] = SHORT.find(([, short]) => text.startsWith(short)) ?? []
  return long === undefined ? text : long + text.replace(/^[A-Z ]+/, '')
}

/** Numbers in ascending order as a reader writes them: 1–3, 5. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = []
  for (const number of numbers) {
    const range = ranges.at(-1)
    if (range !== undefined && range[1] === number - 1) range[1] = number
    else ranges.push([number, number])
  }
  return ranges
    .map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`))
    .join(', ')
}

function numbersOf(ranges: string): number[] {
  return ranges.split(', ').flatMap((range) => {
    const [first = 0, last = first] = range.split('–').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

function wrap(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines.join('\n')
}
