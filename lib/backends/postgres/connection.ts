import type { ClientBase, Pool, QueryConfig } from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import { Turns } from '../../coordination/turns.js'
import { abortError, orAbort, requireNoAbort } from '../../drivers/abort.js'
import { hasCode } from '../../errors.js'
import { toFailure } from './failure.js'

/** What a client gives: the values of a row as the server has written them. */
export type Row = Readonly<Record<string, string | null>>

/** How long an aborted change is waited for, which may have been made. */
const ABORTED_CHANGE_MS = 1000

/** The owner of the client may have changed how it reads values for everything else. */
const AS_TEXT = { getTypeParser: () => (text: string) => text }

/** Statements for the server, each complete in itself, with failures in the codes of the store. */
export class Connection {
  readonly #client: Pool | ClientBase
  /** A client does one thing at a time, and will refuse more; undefined of a pool. */
  readonly #turns: Turns | undefined

  constructor(client: Pool | ClientBase) {
    this.#client = client
    this.#turns = 'totalCount' in client ? undefined : new Turns()
  }

  /** Asks for something: an abort ends the wait at once. */
  async ask(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Row[]> {
    requireNoAbort(signal)
    return await orAbort(this.#send(text, values), signal)
  }

  /** Changes something: once it is sent it is done, so an abort waits a second for the reply. */
  async change(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Row[]> {
    requireNoAbort(signal)
    const sent = this.#send(text, values)
    try {
      return await orAbort(sent, signal)
    } catch (error) {
      if (signal === undefined || !hasCode(error, 'ABORTED')) throw error
      const enough = new AbortController()
      const late = sleep(ABORTED_CHANGE_MS, undefined, { signal: enough.signal }).then(() => {
        throw abortError(signal)
      })
      late.catch(() => undefined)
      return await Promise.race([sent, late]).finally(() => enough.abort())
    }
  }

  async #send(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const query: QueryConfig = { text, values: [...values], types: AS_TEXT }
    const endTurn = await this.#turns?.take('client')
    try {
      const { rows } = await this.#client.query<Row>(query)
      return rows
    } catch (error) {
      throw toFailure(error)
    } finally {
      endTurn?.()
    }
  }
}
