// A server that keeps what it is sent, for the Deployment beside this file: GET and PUT of any path.
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { open } from 'linkstore'

// Files and directories are for the group that all pods are in (fsGroup), set-gid included.
const store = await open(process.env.LINKSTORE_DIR, { fileMode: 0o660, dirMode: 0o2770 })

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(`${request.method} ${request.url}: ${error.message}`)
    // A retryable error is one of the volume: another try, or another pod, may do better.
    if (response.headersSent) response.destroy()
    else response.writeHead(error.retryable ? 503 : 500).end()
  })
})

async function answer(request, response) {
  const key = decodeURIComponent(request.url)
  if (request.method === 'PUT') {
    await store.set(key, request, { contentType: request.headers['content-type'] })
    response.writeHead(204).end()
    return
  }
  if (key === '/') return void response.end('ready')
  const object = await store.read(key)
  if (object === undefined) return void response.writeHead(404).end()
  try {
    const { contentType = 'application/octet-stream', sizeBytes } = object.info
    response.writeHead(200, { 'content-type': contentType, 'content-length': sizeBytes })
    await pipeline(object.stream(), response)
  } finally {
    await object.close()
  }
}

server.listen(process.env.PORT ?? 8080)

// Kubernetes sends this first. What is being answered is finished, and nothing is left behind.
process.once('SIGTERM', () => {
  server.close(() => store.close())
  server.closeIdleConnections()
})
