/** Listens to the operations of stores, and keeps what it hears. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { OPERATION_NAMES, type OperationMessage, type OperationName } from '../../index.js'

const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

/** The events of tracing channels. */
export type Event = (typeof EVENTS)[number]

/** One event; the message is a copy, as it was then. */
export interface Heard {
  readonly event: Event
  readonly message: OperationMessage
}

/** Listens to all operations until it is disposed of. */
export class Recorder implements Disposable {
  readonly heard: Heard[] = []
  readonly #listeners: readonly [channelName: string, listener: (message: unknown) => void][]

  constructor(
    names: readonly OperationName[] = OPERATION_NAMES,
    events: readonly Event[] = EVENTS,
  ) {
    this.#listeners = names.flatMap((name) =>
      events.map((event): [string, (message: unknown) => void] => {
        const note = (message: unknown): void => {
          const { retries, ...others } = message as OperationMessage
          this.heard.push({ event, message: { ...others, retries: { ...retries } } })
        }
        return [`tracing:linkstore:${name}:${event}`, note]
      }),
    )
    for (const [name, listener] of this.#listeners) subscribe(name, listener)
  }

  /** The operations that have ended since this was last asked, as they were at their end. */
  takeEnded(): OperationMessage[] {
    const ended = this.heard.filter(({ event, message }) =>
      message.isSync ? event === 'end' : event === 'asyncEnd',
    )
    this.heard.length = 0
    return ended.map(({ message }) => message)
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) unsubscribe(name, listener)
  }
}
