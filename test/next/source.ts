/** Where the pages have their data from: for each name a version, which a test raises. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** The source of all data. */
export interface Source {
  readonly url: string
  /** Changes what is told of a name; the new version. */
  raise(name: string): number
}

/** Starts a source on a port of its own. */
export async function startSource(t: Test): Promise<Source> {
  const versions = new Map<string, number>()
  const versionOf = (name: string): number => versions.get(name) ?? 1
  const server = createServer((request, response) => {
    const name = (request.url ?? '/').slice(1)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ version: versionOf(name) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    raise: (name) => {
      versions.set(name, versionOf(name) + 1)
      return versionOf(name)
    },
  }
}
