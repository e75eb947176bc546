import t from 'tap'
import { constants } from 'node:os'
import { ERROR_CODES, StoreError, toStoreError } from '../lib/errors.js'

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
})

await t.test('every code is unique', async (t) => {
  t.equal(new Set(ERROR_CODES).size, ERROR_CODES.length)
})
