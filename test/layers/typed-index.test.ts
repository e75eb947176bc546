import t from 'tap'
import { runWorker } from '../support/workers.js'
import { EXPLORATIONS } from './index-scenarios.js'

type Results = Record<string, { readonly count?: number; readonly failure?: string }>

await t.test('in every order of the calls of several writers', async (t) => {
  const results = (await runWorker(t, 'layers/worker-index.js', [])) as Results
  for (const title of EXPLORATIONS.keys()) {
    await t.test(title, async (t) => {
      const { count = 0, failure } = results[title] ?? {}
      t.equal(failure, undefined)
      t.ok(count > 3, `${count} orders`)
    })
  }
})
