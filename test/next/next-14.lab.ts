import t from 'tap'
import { checkApplication } from './checks.js'

await t.test('Next.js 14', (t) =>
  checkApplication(t, { next: '14.2.35', react: '18', rendersTwice: true }),
)
