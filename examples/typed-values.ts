/** Typed values, found by what is in them. */
import { open } from 'linkstore'
import { structured, withCodec, withIndex } from 'linkstore/typed'

interface Visit {
  readonly guest: string
  readonly at: Date
}

const store = await open('./visits', { conditional: true })
await using visits = withIndex(withCodec<Visit>(store, structured), {
  guest: ({ guest }) => guest,
  year: ({ at }) => at.getUTCFullYear(),
})

await visits.set('1', { guest: 'Ada', at: new Date('2026-05-01') })
await visits.set('2', { guest: 'Grace', at: new Date('2026-07-09') })
await visits.set('3', { guest: 'Ada', at: new Date('2025-02-03') })

for await (const [key, { at }] of visits.by('guest', 'Ada')) console.log(key, at.getUTCFullYear())
// => 1 2026
// => 3 2025
for await (const [key, { guest }] of visits.by('year', 2026)) console.log(key, guest)
// => 1 Ada
// => 2 Grace
