import t from 'tap'
import { conformance } from '../conformance/index.js'
import { stacks } from '../stacks.js'
for (const { name, factory, supports } of stacks.filter((s) => /sealed/.test(s.name))) {
  await t.test(name, async (t) => {
    await conformance({ test: (title, body) => t.test(title, body), factory, supports })
  })
}
