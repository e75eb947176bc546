import { StoreError } from './errors.js'

/** Parses a value as JSON; `DECODE` if it is none. */
export function parseJson(text: string, key: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const message = 'the value is not JSON; read it with bytes() or text()'
    throw new StoreError('DECODE', message, { operation: 'read', key, cause: error })
  }
}
