import t from 'tap'
import { checkApplication } from './checks.js'

await t.test("Next.js 15, with 'use cache'", (t) =>
  checkApplication(t, { next: '15.5.29', react: '19', cacheHandlers: 'experimental' }),
)
