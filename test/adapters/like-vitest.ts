import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect'
import * as chai from 'chai'
import type { Test } from 'tap'
import type * as Vitest from 'vitest'

type Step = () => unknown

interface Case {
  readonly title: string
  readonly body: (context: { readonly expect: unknown }) => unknown
}

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)

/** Runs tests that were written for vitest as tests of tap, in their order; says how many. */
export async function runLikeVitest(
  t: Test,
  define: (vitest: typeof Vitest) => void,
): Promise<number> {
  const before: Step[] = []
  const after: Step[] = []
  const cases: Case[] = []
  const it = (title: string, body: Case['body']): void => void cases.push({ title, body })
  const vitest = {
    it,
    test: it,
    describe: (_title: string, body: Step) => body(),
    beforeEach: (step: Step) => void before.push(step),
    afterEach: (step: Step) => void after.push(step),
    expect: chai.expect,
  }
  define(vitest as unknown as typeof Vitest)
  for (const { title, body } of cases) {
    await t.test(title, async (t) => {
      let wanted: number | undefined
      let made = 0
      const expect = (value: unknown, message?: string): unknown => {
        made += 1
        return chai.expect(value, message)
      }
      const assertions = (count: number): void => void (wanted = count)
      for (const step of before) await step()
      await body({ expect: Object.assign(expect, { assertions }) })
      for (const step of after) await step()
      if (wanted !== undefined) t.equal(made, wanted, 'as many assertions as there are to be')
      t.pass()
    })
  }
  return cases.length
}
