/**
 * Scenarios too large for every order: three or four processes, two keys, processes that die or
 * sleep until they have been swept, lost replies, aborts. Each walk is known by its seed; with
 * `LINKSTORE_SEED` walks begin at that one.
 */
import t from 'tap'
import { UNLINKING_FIRST } from './mutants.js'
import { randomScenario } from './random-scenarios.js'
import { KEY, scenario, type Place } from './scenario.js'
import { IS_DEEP } from './survey.js'
import { shrink, tellWalk, walk, type Walk } from './walk.js'
import { small } from './verbs.js'

const FIRST_SEED = Number(process.env['LINKSTORE_SEED'] ?? 1)
const WALKS = IS_DEEP ? 20_000 : 300

function firstBad(place: Place, sound: boolean): Walk | undefined {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WALKS; seed += 1) {
    const chosen = randomScenario(place, seed)
    const each = sound ? chosen : { ...chosen, ...UNLINKING_FIRST }
    const found = walk(each, seed)
    if (found.violation !== undefined) return found
  }
  return undefined
}

for (const place of ['local', 'nfs4', 'nfs3'] as const) {
  await t.test(`${WALKS} walks through large scenarios are explained: ${place}`, async (t) => {
    t.comment(`seeds from ${FIRST_SEED}`)
    const bad = firstBad(place, true)
    if (bad === undefined) t.pass('nothing was wrong')
    else t.fail(tellWalk(shrink(bad.world.scenario, bad)))
  })
}

await t.test(
  'a fault is found by chance, by the same seed again, and told in few lines',
  async (t) => {
    const bad = firstBad('local', false)
    if (bad === undefined) {
      t.fail('it was not found')
      return
    }
    const again = walk(bad.world.scenario, bad.seed)
    t.equal(again.violation, bad.violation, 'the seed tells all')
    t.equal(tellWalk(again), tellWalk(bad))
    const small = shrink(bad.world.scenario, bad)
    const told = tellWalk(small)
    t.ok(small.steps <= bad.steps, `${small.steps} steps of ${bad.steps}`)
    t.match(told, `seed ${small.seed}: `)
    t.match(told, /no order of what happened explains key/)
    t.match(told, /what was called, and what it answered:/)
    t.ok(told.split('\n').length < 60, 'it can be read')
    t.equal(walk(small.world.scenario, small.seed).violation, small.violation)
    t.comment(told)
  },
)

await t.test('a process wakes after its private names were swept', async (t) => {
  const programs = [
    [
      { kind: 'write', key: KEY, value: small('A') },
      { kind: 'take', key: KEY },
    ],
    [{ kind: 'sweep', graceMs: 5 }],
  ] as const
  const sleepy = scenario(programs, { suspends: true, faults: { stops: 1 } })
  let wakings = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WALKS; seed += 1) {
    const { violation, world } = walk(sleepy, seed)
    if (violation !== undefined) t.fail(`seed ${seed}: ${violation}`)
    const acts = world.happenings.map(({ choice }) => choice.act)
    const failed = world.history.entries.some(({ error }) => error !== undefined)
    if (acts.includes('age') && acts.includes('wake') && failed) wakings += 1
  }
  t.ok(wakings > 0, `${wakings} found their names gone, and said so`)
})
