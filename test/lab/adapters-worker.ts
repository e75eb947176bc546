/**
 * Writes or reads by each adapter, in a store of its own; reports what it has read:
 *
 *     adapters-worker write ROOT VALUE
 *     adapters-worker read ROOT
 */
import { join } from 'node:path'
import { USES } from '../adapters/uses.js'
import { report } from './channel.js'

/** What a process has read through an adapter. */
export interface AdapterRead {
  readonly adapter: string
  readonly found: string | undefined
}

const [verb, root = '', value = ''] = process.argv.slice(2)
for (const [adapter, use] of Object.entries(USES)) {
  const directory = join(root, adapter)
  if (verb === 'write') await use.write(directory, value)
  else report({ adapter, found: await use.read(directory) } satisfies AdapterRead)
}
