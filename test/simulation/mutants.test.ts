/**
 * The simulator is of use only if it notices what is wrong. Each deliberate fault of the protocol
 * must be caught by a scenario in which the protocol without it does well.
 */
import t from 'tap'
import { CACHED_MUTANTS } from './cached-mutants.js'
import { CELL_MUTANTS } from './cell-mutants.js'
import { explore } from './exploration.js'
import { MUTANTS } from './mutants.js'

const ALL = [...MUTANTS, ...CELL_MUTANTS, ...CACHED_MUTANTS]

t.ok(MUTANTS.length >= 12)
t.ok(CELL_MUTANTS.length >= 6)
t.equal(new Set(ALL.map(({ name }) => name)).size, ALL.length, 'names differ')

for (const { name, scenario, fault, shows } of ALL) {
  await t.test(`it is caught when ${name}`, async (t) => {
    const sound = explore(scenario)
    t.equal(sound.violation, undefined, 'without the fault nothing is wrong')
    const { violation, states, exceptions } = explore({ ...scenario, ...fault })
    const more = [...exceptions.keys()].filter((each) => !sound.exceptions.has(each))
    const [what = ''] = violation?.split('\n') ?? [more.join()]
    t.match(what, shows)
    t.comment(`${what}; found after ${states} states, of ${sound.states} without the fault`)
  })
}
