/** Two replicas of an application, one user: whichever answers knows the session. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import session from 'express-session'
import { LinkstoreSessionStore } from 'linkstore/express-session'

declare module 'express-session' {
  interface SessionData {
    visits: number
  }
}

async function startReplica(): Promise<{
  url: string
  server: Server
  store: LinkstoreSessionStore
}> {
  const store = new LinkstoreSessionStore({ store: './sessions', conditional: true })
  const app = express()
  // The secret is the same in all replicas, and nowhere in the code.
  const secret = process.env['SESSION_SECRET'] ?? 'only for this example'
  app.use(session({ store, secret, resave: false, saveUninitialized: false }))
  app.get('/', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(`visit ${request.session.visits}`)
  })
  const server = app.listen(0)
  await once(server, 'listening')
  return { url: `http://localhost:${(server.address() as AddressInfo).port}/`, server, store }
}

const [one, other] = await Promise.all([startReplica(), startReplica()])
const first = await fetch(one.url)
console.log(await first.text()) // => visit 1
const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
console.log(await (await fetch(other.url, { headers: { cookie } })).text()) // => visit 2
console.log(await (await fetch(one.url, { headers: { cookie } })).text()) // => visit 3

for (const { server, store } of [one, other]) {
  server.close()
  await store.close()
}
