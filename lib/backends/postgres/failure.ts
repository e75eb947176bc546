/** What goes wrong with PostgreSQL, in the codes of the store. */
import { StoreError, type ErrorCode } from '../../errors.js'

/** What the errors of `pg` have; those of the network have no SQLSTATE. */
interface PgError extends Error {
  /** A SQLSTATE of five characters, or the name of a system error such as ECONNREFUSED. */
  readonly code?: string
}

/** By SQLSTATE, or by its class of two characters. */
const CODE_BY_STATE: ReadonlyMap<string, ErrorCode> = new Map([
  ['53100', 'NO_SPACE'],
  ['42501', 'ACCESS_DENIED'],
  ['25006', 'ACCESS_DENIED'],
  ['28', 'ACCESS_DENIED'],
  ['08', 'UNAVAILABLE'],
  ['40', 'UNAVAILABLE'],
  ['53', 'UNAVAILABLE'],
  ['55P03', 'UNAVAILABLE'],
  ['57', 'UNAVAILABLE'],
  ['58', 'IO'],
  ['3D', 'NOT_A_STORE'],
  ['3F', 'NOT_A_STORE'],
  // No table, or one that is not this store's.
  ['42', 'NOT_A_STORE'],
  ['54', 'TOO_LARGE'],
  ['XX001', 'CORRUPT'],
  ['XX002', 'CORRUPT'],
])

const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  NOT_A_STORE: 'check the names of the database and of the table',
  ACCESS_DENIED: 'check the user, and what it may do with the table',
  NO_SPACE: 'free some space',
  UNAVAILABLE: 'try again',
  CORRUPT: 'the table or its index is damaged; ask whoever runs the server',
}

/** What a call of `pg` threw, as an error of the store. */
export function toFailure(error: unknown): StoreError {
  const { code: state, message } = error as PgError
  const isState = state !== undefined && /^[0-9A-Z]{5}$/.test(state)
  // Without a SQLSTATE the server did not answer, or was not asked.
  const code = isState ? codeOf(state) : 'UNAVAILABLE'
  const said = isState ? `PostgreSQL said ${state}: ${message}` : `no answer: ${message}`
  const advice = ADVICE[code]
  const text = advice === undefined ? said : `${said}; ${advice}`
  return new StoreError(code, text, { cause: error })
}

function codeOf(state: string): ErrorCode {
  return CODE_BY_STATE.get(state) ?? CODE_BY_STATE.get(state.slice(0, 2)) ?? 'IO'
}
