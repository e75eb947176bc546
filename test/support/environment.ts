/** Stores whose clock, host and chance are the test's. */
import * as nodeFs from 'node:fs'
import { DirectoryStore } from '../../lib/backends/directory.js'
import { checkOpen, type OpenOptions } from '../../lib/backends/opening.js'
import { AsyncDriver } from '../../lib/drivers/async.js'
import { SyncDriver } from '../../lib/drivers/sync.js'
import type { Environment } from '../../lib/protocol/context.js'
import { openStore, type OpenHow } from '../../lib/protocol/open.js'
import { Store } from '../../lib/store.js'
import { SyncStore } from '../../lib/sync-store.js'

/** Opens a store as `open` does, in an environment of the test's. */
export async function openIn(
  environment: Partial<Environment>,
  path: string,
  options: OpenOptions = {},
): Promise<Store> {
  const driver = new AsyncDriver(nodeFs)
  const [root, how] = howIn(environment, path, options)
  const directory = new DirectoryStore(driver, await driver.run(openStore(root, how)))
  return new Store(directory, directory)
}

/** Opens a store as `openSync` does, in an environment of the test's. */
export function openSyncIn(
  environment: Partial<Environment>,
  path: string,
  options: OpenOptions = {},
): SyncStore {
  const driver = new SyncDriver()
  const [root, how] = howIn(environment, path, options)
  return new SyncStore(driver, driver.run(openStore(root, how)))
}

function howIn(
  environment: Partial<Environment>,
  path: string,
  options: OpenOptions,
): [root: string, how: OpenHow] {
  const [root, how] = checkOpen(path, options)
  return [root, { ...how, environment: { ...how.environment, ...environment } }]
}
