import t, { type Test } from 'tap'
import { mutated, QUEUE_MUTANTS } from './queue-mutants.js'
import { walkQueue, type QueueWalkPlan } from './queue-walk.js'

const WALKS = Number(process.env['LINKSTORE_TEST_WALKS'] ?? 150)
const SEED = Number(process.env['LINKSTORE_TEST_SEED'] ?? Date.now() % 2 ** 31)
const USUAL = { processes: 3, turns: 10, loses: 0, kills: 0 }

/** The first walk with a problem. */
function failureOf(plan: QueueWalkPlan, walks = WALKS): string | undefined {
  for (let seed = SEED; seed < SEED + walks; seed += 1) {
    const { problems } = walkQueue(plan, seed)
    if (problems.length > 0) return `seed ${seed}: ${problems.join('; ')}`
  }
  return undefined
}

function holds(t: Test, plan: QueueWalkPlan): void {
  t.equal(failureOf(plan), undefined)
  const sums = { pushed: 0, acknowledged: 0, lostReplies: 0 }
  for (let seed = SEED; seed < SEED + 50; seed += 1) {
    const walk = walkQueue(plan, seed)
    for (const name of ['pushed', 'acknowledged', 'lostReplies'] as const) sums[name] += walk[name]
  }
  t.ok(sums.pushed > 100 && sums.acknowledged > 50, 'there was something to do')
  t.equal(sums.lostReplies > 10, plan.loses > 0)
}

for (const place of ['local', 'nfs4', 'nfs3'] as const) {
  await t.test(`each job is done once, whoever takes it from whom: ${place}`, async (t) => {
    t.comment(`seed ${SEED}`)
    holds(t, { ...USUAL, place })
  })
}

for (const place of ['nfs4', 'nfs3'] as const) {
  await t.test(`and if NFS loses replies: ${place}`, async (t) => {
    holds(t, { ...USUAL, place, loses: 0.1 })
  })
}

await t.test('and if processes are killed', async (t) => {
  holds(t, { ...USUAL, processes: 5, place: 'local', kills: 3 })
  holds(t, { ...USUAL, processes: 5, place: 'nfs4', kills: 3, loses: 0.05 })
})

for (const mutant of QUEUE_MUTANTS) {
  await t.test(`the walks notice when ${mutant.name}`, async (t) => {
    const plan = { ...USUAL, ...mutant.plan }
    const found = failureOf({ ...plan, mutate: (operation) => mutated(mutant, operation) }, 1000)
    t.type(found, 'string')
    t.comment(found?.slice(0, 200))
  })
}
