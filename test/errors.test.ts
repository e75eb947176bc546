import t from 'tap'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { CallerFailure, ERROR_CODES, StoreError, toStoreError } from '../lib/errors.js'

const { errno } = constants

/** A system error as Node makes it, but for its number; ESTALE has no name in Node. */
function systemError(number: number, code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: it failed, open '/x'`), {
    errno: -number,
    code,
    syscall: 'open',
    path: '/x',
  })
}

await t.test('system errors are classified by number, and keep their cause', async (t) => {
  const cases = [
    [errno.ENOSPC, 'NO_SPACE', true],
    [errno.EDQUOT, 'NO_SPACE', true],
    [errno.EACCES, 'ACCESS_DENIED', false],
    [errno.EROFS, 'ACCESS_DENIED', false],
    [errno.ESTALE, 'UNAVAILABLE', true],
    [errno.ETIMEDOUT, 'UNAVAILABLE', true],
    [errno.ENOENT, 'UNAVAILABLE', true],
    [errno.ENOTDIR, 'CORRUPT', false],
    [errno.EIO, 'IO', false],
    [errno.ENXIO, 'IO', false],
  ] as const
  for (const [number, code, retryable] of cases) {
    const cause = systemError(number, `Unknown system error -${number}`)
    const error = toStoreError(cause, 'get', 'k')
    t.match(error, { name: 'StoreError', code, retryable, operation: 'get', key: 'k', path: '/x' })
    t.equal((error as StoreError).cause, cause)
  }
})

await t.test("errors that are not the system's stay what they are", async (t) => {
  const own = new Error('the body broke')
  t.equal(toStoreError(own, 'set'), own)
  const numbered = Object.assign(new Error('not a system call'), { errno: 5 })
  t.equal(toStoreError(numbered, 'set'), numbered)
  const store = new StoreError('CLOSED', 'closed')
  t.equal(toStoreError(store, 'set', 'k'), store)
  t.match(store, { operation: 'set', key: 'k' })
  for (const thrown of [null, undefined, 0, 'text']) t.equal(toStoreError(thrown, 'set'), thrown)
})

await t.test("a caller's own system error is not taken for the store's", async (t) => {
  const own = systemError(errno.ENOENT, 'ENOENT')
  t.equal(toStoreError(new CallerFailure(own), 'write', 'k'), own)
})

await t.test('every code is unique', async (t) => {
  t.equal(new Set(ERROR_CODES).size, ERROR_CODES.length)
})

await t.test('docs/errors.md describes every code, with what to do about it', async (t) => {
  const text = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  const sections = [...text.matchAll(/^### `(.*)`\n([^]*?)(?=^##)/gm)]
  t.same(
    sections.map(([, code]) => code),
    ERROR_CODES,
  )
  for (const [, code = '', body = ''] of sections) {
    t.match(body, /^What to do: /m, code)
    const { retryable } = new StoreError(code as (typeof ERROR_CODES)[number], '')
    t.match(body, `\nRetryable: ${retryable ? 'yes' : 'no'}.\n`, code)
  }
})
