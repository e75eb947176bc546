/**
 * Cells, in every order of the steps of two and three processes: each update is made on what was
 * there, and none is lost.
 */
import t from 'tap'
import { scenario, type Place } from './scenario.js'
import { survey } from './survey.js'
import type { Verb } from './verbs.js'

const READ: Verb = { kind: 'read cell', cell: 'c' }
const update = (value: string | undefined): Verb => ({ kind: 'update cell', cell: 'c', value })
const PLACES: readonly Place[] = ['local', 'nfs4', 'nfs3']
const NONE = { initial: new Map() }

for (const place of PLACES) {
  await t.test(`two contenders for a cell: ${place}`, async (t) => {
    const start = { ...NONE, place, cells: new Map([['c', ['I']]]) }
    survey(t, [
      scenario([[update('A')], [update('B')]], start),
      scenario([[update('A')], [READ, READ]], start),
    ])
  })
}
