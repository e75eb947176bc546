import { readFileSync } from 'node:fs'
import t from 'tap'
import { WITHOUT_STRACE } from './support/surroundings.js'
import { countHops } from './system-calls/hops.js'
import { callsIn } from './system-calls/row.js'
import { ROWS } from './system-calls/table.js'
import { traceVerbs } from './system-calls/trace.js'
import { VERBS } from './system-calls/verbs.js'
import { linesIn, pageLines } from './system-calls/writing.js'

const PAGE = new URL('../docs/file-systems.md', import.meta.url)
const REMEDY = 'if that is as it should be, run npm run calls'

/** What the asynchronous face may wait for, whatever the table says. */
const MOST_HOPS: Readonly<Record<string, number>> = {
  get: 3,
  "get with `reads: 'open'`": 2,
  'get from memory': 1,
  stat: 3,
  set: 8,
  "set with `durability: 'file'`": 5,
  "set with `durability: 'none'`": 4,
}

const skip = WITHOUT_STRACE && `${WITHOUT_STRACE}: apt-get install strace`

await t.test('the table has all verbs', async (t) => {
  t.strictSame(
    ROWS.map(({ verb }) => verb),
    VERBS.map(({ title }) => title),
  )
})

await t.test('the sync face makes the calls of the table, in order', { skip }, async (t) => {
  const found = await traceVerbs('sync')
  t.equal(found.size, ROWS.length)
  for (const { verb, calls } of ROWS) {
    t.strictSame(found.get(verb), callsIn(calls), `${verb}; ${REMEDY}`)
  }
})

await t.test('the async face makes the calls of the table, and no others', { skip }, async (t) => {
  const found = await traceVerbs('async')
  t.equal(found.size, ROWS.length)
  for (const { verb, calls, asynchronous = calls } of ROWS) {
    t.strictSame(found.get(verb)?.sort(), callsIn(asynchronous).sort(), `${verb}; ${REMEDY}`)
  }
})

await t.test('the async face waits for what is in the table, and for no clean-up', async (t) => {
  const found = await countHops()
  t.equal(found.size, ROWS.length)
  for (const { verb, awaited, later } of ROWS) {
    const hops = { awaited: callsIn(awaited), later: callsIn(later) }
    t.strictSame(found.get(verb), hops, `${verb}; ${REMEDY}`)
  }
  for (const [verb, most] of Object.entries(MOST_HOPS)) {
    const count = found.get(verb)!.awaited.length
    t.ok(count <= most, `${verb}: ${count} of ${most} hops`)
  }
  for (const [verb, { awaited }] of found) {
    // What was written is closed first, since NFS tells only then of a full disk; the rest is not.
    const isReading = /^(get|read|has|stat|keys)\b/.test(verb)
    if (isReading) t.notOk(awaited.includes('close'), `${verb}: closes later`)
    const isRemoving = /^(open|delete|rename)\b/.test(verb)
    if (!isRemoving) t.notOk(awaited.includes('unlink'), `${verb}: unlinks later`)
  }
})

await t.test('the documentation tells these calls', async (t) => {
  t.strictSame(linesIn(readFileSync(PAGE, 'utf8')), pageLines(ROWS), REMEDY)
})
