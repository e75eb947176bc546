/**
 * Secrets that can be picked up once, and expire: a small service that runs on any store. The
 * variable STORE has its URL, such as file:///srv/secrets or s3://bucket/secrets.
 */
import { randomBytes } from 'node:crypto'
import { openUrl } from 'linkstore/url'

await using store = await openUrl(process.env['STORE'] ?? 'memory:')

const DAY_MS = 24 * 60 * 60 * 1000

/** Leaves a secret; whoever has the word that is returned can pick it up. */
async function leave(secret: string, from: string): Promise<string> {
  const word = randomBytes(12).toString('base64url')
  const options = { contentType: 'text/plain', metadata: { from }, ttlMs: DAY_MS }
  if (await store.add(`secret/${word}`, secret, options)) return word
  return await leave(secret, from)
}

/** Of any number of callers exactly one gets the secret. */
async function pickUp(word: string): Promise<string | undefined> {
  return (await store.take(`secret/${word}`))?.toString()
}

async function waiting(): Promise<number> {
  let count = 0
  for await (const _ of store.keys({ prefix: 'secret/' })) count += 1
  return count
}

const word = await leave('the cake is in the tin', 'Zoë')
console.log((await store.stat(`secret/${word}`))?.metadata['from']) // => Zoë
console.log(await waiting()) // => 1

const answers = await Promise.all([pickUp(word), pickUp(word), pickUp(word)])
console.log(answers.filter((answer) => answer !== undefined)) // => [ 'the cake is in the tin' ]
console.log(await waiting(), await pickUp(word)) // => 0 undefined
