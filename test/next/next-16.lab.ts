import t from 'tap'
import { checkApplication } from './checks.js'

const VARIANT = { next: '16.4.6', react: '19' }

await t.test('Next.js 16', (t) => checkApplication(t, VARIANT))

await t.test('Next.js 16, with cache components', (t) =>
  checkApplication(t, { ...VARIANT, cacheHandlers: 'stable', hasCacheComponents: true }),
)
