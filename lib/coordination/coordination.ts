import { StoreError } from '../errors.js'
import type { ObjectStore } from '../object-store.js'
import { Leases } from './leases.js'
import type { QueueBackend, QueueStore } from './queue.js'
import type { Register, RegisterStore } from './register.js'
import { SingleFlight } from './single-flight.js'

/** A backend that keeps cells and queues. */
export interface Coordinator extends RegisterStore, QueueStore {}

/** What an opened store does beside keeping objects. */
export class Coordination {
  readonly leases: Leases
  readonly flights: SingleFlight
  readonly #coordinator: Coordinator

  constructor(objects: ObjectStore, coordinator: Coordinator) {
    this.#coordinator = coordinator
    this.leases = new Leases(coordinator)
    this.flights = new SingleFlight(objects, coordinator)
  }

  cell(name: string): Register {
    return this.#coordinator.register('.cells', name)
  }

  queue(name: string): QueueBackend {
    return this.#coordinator.queueBackend(name)
  }

  /** Gives back what is held, and gives up what is waited for. */
  async close(): Promise<void> {
    await Promise.all([this.leases.close(), this.flights.close()])
  }
}

/** The error of a store that has nothing of the kind. */
export function noCoordination(): StoreError {
  const message = 'this kind of store has no cells, leases and queues; ask the one underneath'
  return new StoreError('NOT_SUPPORTED', message)
}
