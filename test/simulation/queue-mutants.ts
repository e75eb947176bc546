/** Ways to break the queue, each of which a walk must notice. */
import type { Effect, Operation } from '../../lib/drivers/effects.js'
import { link, rename, type Stats } from '../../lib/drivers/effects.js'
import type { QueueWalkPlan } from './queue-walk.js'

/** One of them, and where it shows. */
export interface QueueMutant {
  readonly name: string
  readonly plan: Pick<QueueWalkPlan, 'place' | 'loses'>
  /** Changes what is asked of the file system. */
  readonly change: (effect: Effect) => Operation<unknown> | undefined
}

const LOCAL = { place: 'local', loses: 0 } as const
const LOSSY = { place: 'nfs4', loses: 0.1 } as const

/** They break what the protocol relies on. */
export const QUEUE_MUTANTS: readonly QueueMutant[] = [
  {
    name: 'a claim leaves the job where it was',
    plan: LOCAL,
    change: ({ call, values }) => {
      const [from, to] = values as [string, string]
      if (call !== 'rename' || !from.includes('/ready/') || !to.includes('/claimed/')) return
      return link(from, to)
    },
  },
  {
    name: 'an acknowledgement removes a copy',
    plan: LOCAL,
    change: ({ call, values }) => {
      const [from, to] = values as [string, string]
      if (call !== 'rename' || !from.includes('/claimed/') || !to.includes('/.tmp/')) return
      return link(from, to)
    },
  },
  {
    name: 'an abandoned claim loses its job',
    plan: LOCAL,
    change: ({ call, values }) => {
      const [from, to] = values as [string, string]
      if (call !== 'rename' || !from.includes('/claimed/') || !to.includes('/ready/')) return
      return rename(from, `${to}.gone`)
    },
  },
  {
    name: 'a key is taken from whoever has it',
    plan: LOCAL,
    change: ({ call, values }) => {
      const [from, to] = values as [string, string]
      if (call !== 'link' || !to.includes('/keys/')) return
      return replace(from, to)
    },
  },
  {
    name: 'nothing is looked for after a lost reply',
    plan: LOSSY,
    change: ({ call, values }) => {
      const [path] = values as [string]
      if (call !== 'lstat' || values.length > 1 || !path.includes('/.tmp/')) return
      return absent()
    },
  },
]

/** An operation of a mutant. */
export function mutated(
  { change }: QueueMutant,
  operation: Operation<unknown>,
): Operation<unknown> {
  return run(change, operation)
}

function* run(change: QueueMutant['change'], operation: Operation<unknown>): Operation<unknown> {
  let step = operation.next()
  while (step.done !== true) {
    let result: unknown
    let thrown: { readonly error: unknown } | undefined
    try {
      const other = change(step.value)
      result = other === undefined ? yield step.value : yield* other
    } catch (error) {
      thrown = { error }
    }
    step = thrown === undefined ? operation.next(result) : operation.throw(thrown.error)
  }
  return step.value
}

function* replace(from: string, to: string): Operation<void> {
  yield { call: 'rename', values: [from, to] }
  yield* link(to, from)
}

// eslint-disable-next-line require-yield -- it does not even ask
function* absent(): Operation<Stats> {
  throw Object.assign(new Error('as a mutant wants it'), { errno: -2, syscall: 'lstat' })
}
