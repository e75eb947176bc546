import t from 'tap'
import type { ObjectStore } from '../../index.js'
import { withTiers } from '../../lib/layers/tiered.js'
import { consume, valueOf } from '../conformance/support.js'
import { fused, Fuse, type Blow } from '../support/changed-store.js'
import { inMemory, keysOf, LARGE, OTHER, pieces, pointedTo, SMALL } from '../support/tiers.js'
import { THRESHOLD_BYTES } from '../support/tiers.js'

const BLOWS: readonly Blow[] = ['dies before', 'dies after', 'fails before', 'fails after']

/** Changes of a key whose value was `LARGE`, and what it may be then. */
const CHANGES: Readonly<
  Record<string, [change: (store: ObjectStore) => Promise<unknown>, after: Buffer | undefined]>
> = {
  'a large value': [(store) => store.write('k', OTHER), OTHER],
  'a stream': [(store) => store.write('k', pieces(OTHER)), OTHER],
  'a small value': [(store) => store.write('k', SMALL), SMALL],
  'a large value over a version': [
    async (store) => {
      const ifVersion = (await store.stat('k'))?.version
      return await store.write('k', OTHER, ifVersion === undefined ? {} : { ifVersion })
    },
    OTHER,
  ],
  'one only if absent': [(store) => store.write('k', OTHER, { ifAbsent: true }), LARGE],
  'a removal': [(store) => store.remove('k'), undefined],
  'a take': [async (store) => await consume(await store.take('k')), undefined],
}

await t.test('a crash at any call loses nothing, and verify removes what it leaves', async (t) => {
  let crashes = 0
  let repaired = 0
  for (const [name, [change, after]] of Object.entries(CHANGES)) {
    for (const conditions of [true, false]) {
      if (!conditions && name.includes('version')) continue
      for (const blow of BLOWS) {
        for (let at = 0; ; at += 1) {
          const tiers = inMemory()
          await tiers.store.write('k', LARGE)
          await tiers.store.write('beside', OTHER)
          const fuse = new Fuse(at, blow)
          const supports = { ...tiers.small.supports, conditions }
          const small = fused(tiers.small, fuse, supports)
          const large = fused(tiers.large, fuse)
          const outcome = await Promise.allSettled([
            change(withTiers(small, { large, thresholdBytes: THRESHOLD_BYTES })),
          ])
          const what = `${name}, ${blow} call ${at}, conditions: ${conditions}`
          const now = await valueOf(tiers.store, 'k')
          const isOld = now?.equals(LARGE) ?? false
          const isNew = after === undefined ? now === undefined : (now?.equals(after) ?? false)
          t.ok(isOld || isNew, what)
          if (outcome[0].status === 'fulfilled') t.ok(isNew, `${what}: it was told`)
          t.ok((await valueOf(tiers.store, 'beside'))?.equals(OTHER), what)
          const { orphans, broken } = await tiers.store.verify({ graceMs: 0 })
          t.same(broken, [], what)
          t.same(await keysOf(tiers.large), await pointedTo(tiers), `${what}: nothing is left`)
          repaired += orphans
          if (!fuse.hasBlown) break
          crashes += 1
        }
      }
    }
  }
  t.ok(crashes > 150, `${crashes} crashes`)
  t.ok(repaired > 50, `${repaired} values that nothing pointed to`)
})
