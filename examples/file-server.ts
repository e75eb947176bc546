/** An HTTP server for the objects of a store, with ranges: each answer is of one version. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { open, type StoredObject } from 'linkstore'

await using store = await open('./site')
await store.set('/hello.txt', 'Hello, world', { contentType: 'text/plain' })

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await using object = await store.read(decodeURIComponent(request.url ?? '/'))
  if (object === undefined) {
    response.writeHead(404).end()
    return
  }
  const { sizeBytes, version, contentType } = object.info
  const range = rangeOf(request, object)
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': contentType ?? 'application/octet-stream',
    etag: `"${version ?? ''}"`,
    ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${sizeBytes}` }),
  })
  await pipeline(object.stream(range), response)
}

/** The range asked for, as far as it lies within the value; only `bytes=first-last` is known. */
function rangeOf(
  request: IncomingMessage,
  { info }: StoredObject,
): { start: number; end: number } | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  if (first === undefined || Number(first) >= info.sizeBytes) return undefined
  const end = last === '' ? info.sizeBytes - 1 : Math.min(Number(last), info.sizeBytes - 1)
  return Number(first) <= end ? { start: Number(first), end } : undefined
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => response.destroy(error as Error))
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo

const whole = await fetch(`http://127.0.0.1:${port}/hello.txt`)
console.log(whole.status, await whole.text()) // => 200 Hello, world

const part = await fetch(`http://127.0.0.1:${port}/hello.txt`, { headers: { range: 'bytes=7-' } })
console.log(part.status, await part.text()) // => 206 world

const none = await fetch(`http://127.0.0.1:${port}/missing.txt`)
console.log(none.status) // => 404

server.close()
server.closeAllConnections()
