/**
 * Measures the system calls and hops of every verb and writes them where the tests and the
 * documentation have them.
 *
 *     main [SOURCE [PAGE]]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { countHops } from './hops.js'
import { textOf, type Row } from './row.js'
import { traceVerbs } from './trace.js'
import { sourceOf, withRows } from './writing.js'

const [source = 'test/system-calls/table.ts', page = 'docs/file-systems.md'] = process.argv.slice(2)

const [sync, async] = [await traceVerbs('sync'), await traceVerbs('async')]
const hops = await countHops()
const sorted = (calls: readonly string[]): string => [...calls].sort().join()

const rows: Row[] = [...sync].map(([verb, calls]) => {
  const asynchronous = async.get(verb)!
  const { awaited, later } = hops.get(verb)!
  return {
    verb,
    calls: textOf(calls),
    ...(sorted(asynchronous) !== sorted(calls) && { asynchronous: textOf(asynchronous) }),
    awaited: textOf(awaited),
    later: textOf(later),
  }
})
const before = readFileSync(page, 'utf8')
writeFileSync(source, sourceOf(rows))
writeFileSync(page, withRows(before, rows))
process.stderr.write(`${source} and ${page} are written: ${rows.length} verbs\n`)
