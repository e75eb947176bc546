/** An upload that begins at one server, breaks off, and is finished at another one. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server as TusServer } from '@tus/server'
import { open } from 'linkstore'
import { LinkstoreTusStore } from 'linkstore/tus'

// One store for the uploads and for what becomes of them.
const store = await open('./files')
const datastore = new LinkstoreTusStore({ store, expirationMs: 24 * 60 * 60 * 1000 })

async function serve(): Promise<{ url: string; server: Server }> {
  const tus = new TusServer({
    path: '/files',
    datastore,
    onUploadFinish: async (_request, { id, metadata }) => {
      await store.set(`film/${metadata?.['name'] ?? id}`, datastore.read(id))
      await datastore.remove(id)
      return {}
    },
  })
  const server = createServer((request, response) => void tus.handle(request, response)).listen(0)
  await once(server, 'listening')
  return { url: `http://localhost:${(server.address() as AddressInfo).port}/files`, server }
}

const version = { 'tus-resumable': '1.0.0' }
const type = { 'content-type': 'application/offset+octet-stream' }
const patch = (url: string, offset: number, body: string): Promise<Response> =>
  fetch(url, {
    method: 'PATCH',
    headers: { ...version, ...type, 'upload-offset': `${offset}` },
    body,
  })

const [one, other] = await Promise.all([serve(), serve()])
const name = Buffer.from('train.mp4').toString('base64')
const made = await fetch(one.url, {
  method: 'POST',
  headers: { ...version, 'upload-length': '12', 'upload-metadata': `name ${name}` },
})
const id = made.headers.get('location')?.split('/').at(-1) ?? ''
console.log((await patch(`${one.url}/${id}`, 0, 'a train ')).status) // => 204
const { headers } = await fetch(`${other.url}/${id}`, { method: 'HEAD', headers: version })
console.log(headers.get('upload-offset')) // => 8
console.log((await patch(`${other.url}/${id}`, 8, 'goes')).status) // => 204
console.log(String(await store.get('film/train.mp4'))) // => a train goes

for (const { server } of [one, other]) server.close()
await store.close()
