import type { Facts } from '../facts.js'
import { refusalOf, type Family, type FileSystem } from '../file-system.js'
import { valueOf, whyNot, type Outcome } from '../outcome.js'
import type { KeptPromise } from '../report.js'
import { visibilityOf } from './visibility.js'

/** Where rename and link are known to be atomic. */
const TRIED: readonly Family[] = ['local', 'memory', 'overlay', 'nfs']
const NOT_TRIED = 'the calls work; that they are atomic among hosts has not been tried'

type Kept = Pick<KeptPromise, 'verdict' | 'summary'>

/** Which promises of `docs/guarantees.md` hold in this directory. */
export function promisesOf(facts: Facts, system: FileSystem): KeptPromise[] {
  const atomic = atomicBy(system)
  return [
    { id: 'whole', ...(refused(system) ?? unmet(facts.rename) ?? atomic) },
    { id: 'seen', ...(refused(system) ?? visible(facts, system)) },
    { id: 'neverMissed', ...(refused(system) ?? visible(facts, system)) },
    { id: 'oneWinner', ...(refused(system) ?? oneWinner(facts) ?? atomic) },
    { id: 'durable', ...(refused(system) ?? durable(facts, system)) },
  ]
}

function refused(system: FileSystem): Kept | undefined {
  if (refusalOf(system) === undefined) return undefined
  return { verdict: 'fails', summary: `${system.name} is not supported` }
}

function atomicBy({ family, name }: FileSystem): Kept {
  if (!TRIED.includes(family)) return { verdict: 'depends', summary: NOT_TRIED }
  return { verdict: 'holds', summary: `link and rename work, and are atomic on ${name}` }
}

/** What a probe says that did not succeed. */
function unmet(outcome: Outcome<unknown>): Kept | undefined {
  if (outcome.kind === 'found') return undefined
  return { verdict: outcome.kind === 'failed' ? 'fails' : 'depends', summary: whyNot(outcome) }
}

function visible(facts: Facts, system: FileSystem): Kept {
  const unanswered = unmet(facts.place)
  if (unanswered !== undefined) return unanswered
  const { level, reason } = visibilityOf(facts, system)
  const verdict = { exact: 'holds', late: 'fails', unproven: 'depends' } as const
  return { verdict: verdict[level], summary: reason }
}

function oneWinner({ exclusion }: Facts): Kept | undefined {
  const found = valueOf(exclusion)
  if (found === undefined || found === 'EEXIST') return unmet(exclusion)
  return { verdict: 'fails', summary: 'a link takes a name that is taken' }
}

function durable({ fileFlush, mount }: Facts, system: FileSystem): Kept {
  const unflushed = unmet(fileFlush)
  if (unflushed !== undefined) return unflushed
  const options = mount?.options ?? []
  const careless = ['nobarrier', 'barrier=0', 'volatile'].find((name) => options.includes(name))
  if (careless !== undefined) {
    return { verdict: 'fails', summary: `mounted with ${careless}, which skips the flush` }
  }
  switch (system.family) {
    case 'local':
      return { verdict: 'holds', summary: 'files and directories are flushed to the disk' }
    case 'memory':
      return { verdict: 'fails', summary: `${system.name} is memory: nothing survives` }
    case 'nfs':
      return { verdict: 'depends', summary: 'if the server flushes what it acknowledges' }
    default:
      return { verdict: 'depends', summary: 'if a flush is true on this file system' }
  }
}
