import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import session, { Cookie, type SessionData } from 'express-session'
import t, { type Test } from 'tap'
import { open, type OpenOptions } from '../../index.js'
import { LinkstoreSessionStore } from '../../lib/adapters/express-session.js'
import { scratchDirectory } from '../support/surroundings.js'

declare module 'express-session' {
  interface SessionData {
    visits: number
    user: string
  }
}

async function sessionsIn(t: Test, options: OpenOptions = {}): Promise<LinkstoreSessionStore> {
  const root = `${await scratchDirectory(t)}/store`
  const sessions = new LinkstoreSessionStore({ store: root, durability: 'none', ...options })
  t.teardown(() => sessions.close())
  return sessions
}

/** A call with a callback, as a promise. */
function called<T>(call: (done: (error?: unknown, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) =>
    call((error, result) => (error ? reject(error) : resolve(result as T))),
  )
}

function sessionOf(user: string, maxAgeMs?: number): SessionData {
  const cookie = new Cookie()
  if (maxAgeMs !== undefined) cookie.maxAge = maxAgeMs
  return { cookie, user, visits: 1 }
}

/** An application with sessions, as each replica has it. */
async function serve(t: Test, store: LinkstoreSessionStore): Promise<string> {
  const app = express()
  app.use(session({ store, secret: 'only a test', resave: false, saveUninitialized: false }))
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(String(request.session.visits))
  })
  app.get('/look', (request, response) => void response.send(String(request.session.visits)))
  app.get('/leave', (request, response) => {
    request.session.destroy((error: unknown) => void response.send(String(error)))
  })
  const server = app.listen(0)
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

await t.test('two replicas see the same sessions', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  const stores = [1, 2].map(() => new LinkstoreSessionStore({ store: root, conditional: true }))
  t.teardown(() => Promise.all(stores.map((store) => store.close())))
  const [one = '', other = ''] = await Promise.all(stores.map((store) => serve(t, store)))
  const first = await fetch(`${one}/visit`)
  t.equal(await first.text(), '1')
  const cookie = first.headers.get('set-cookie')!.split(';')[0]!
  const get = async (url: string): Promise<string> =>
    await (await fetch(url, { headers: { cookie } })).text()
  t.equal(await get(`${other}/visit`), '2')
  t.equal(await get(`${one}/visit`), '3')
  t.equal(await get(`${other}/look`), '3')
  await get(`${one}/leave`)
  t.equal(await get(`${other}/look`), 'undefined', 'who logged out is so everywhere')
})

await t.test('all that a session store must do', async (t) => {
  const sessions = await sessionsIn(t)
  t.equal(await called((done) => sessions.get('absent', done)), null)
  await called((done) => sessions.set('a', sessionOf('ada'), done))
  await called((done) => sessions.set('b', sessionOf('bob', 60_000), done))
  t.match(await called((done) => sessions.get('a', done)), { user: 'ada' })
  t.equal(await called((done) => sessions.length(done)), 2)
  t.match(await called((done) => sessions.all(done)), { a: { user: 'ada' }, b: { user: 'bob' } })
  await called((done) => sessions.destroy('a', done))
  await called((done) => sessions.destroy('a', done))
  t.equal(await called((done) => sessions.get('a', done)), null)
  await called((done) => sessions.clear(done))
  t.equal(await called((done) => sessions.length(done)), 0)
  sessions.set('c', sessionOf('without a callback'))
  sessions.destroy('c')
})

await t.test('a session lives as long as its cookie, and on when it is touched', async (t) => {
  const sessions = await sessionsIn(t)
  await called((done) => sessions.set('over', sessionOf('ada', -1), done))
  t.equal(await called((done) => sessions.get('over', done)), null)
  await called((done) => sessions.set('short', sessionOf('ada', 400), done))
  await called((done) => sessions.set('touched', sessionOf('bob', 400), done))
  await called((done) => sessions.touch('touched', sessionOf('somebody else', 60_000), done))
  await called((done) => sessions.touch('absent', sessionOf('nobody', 60_000), done))
  await sleep(450)
  t.equal(await called((done) => sessions.get('short', done)), null)
  t.match(await called((done) => sessions.get('touched', done)), { user: 'bob' })
  t.equal(await called((done) => sessions.get('absent', done)), null, 'a touch makes none')
  await called((done) => sessions.touch('touched', sessionOf('bob', -1), done))
  t.equal(await called((done) => sessions.get('touched', done)), null)
})

await t.test('a touch never takes back what was stored meanwhile', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { conditional: true, durability: 'none' })
  const sessions = new LinkstoreSessionStore({ store })
  await called((done) => sessions.set('s', { ...sessionOf('ada'), visits: 0 }, done))
  for (let visits = 1; visits <= 50; visits += 1) {
    const touches = [1, 2, 3].map(() =>
      called((done) => sessions.touch('s', sessionOf('ada', 60_000), done)),
    )
    await called((done) => sessions.set('s', { ...sessionOf('ada'), visits }, done))
    await Promise.all(touches)
    t.match(await called((done) => sessions.get('s', done)), { visits })
  }
})

await t.test('a damaged session is over, and what fails otherwise is an error', async (t) => {
  const root = `${await scratchDirectory(t)}/store`
  await using store = await open(root, { durability: 'none' })
  const sessions = new LinkstoreSessionStore({ store })
  const look = (sid: string): Promise<unknown> => called((done) => sessions.get(sid, done))
  await store.set('session/broken', 'no JSON')
  t.equal(await look('broken'), null)
  const errors: unknown[] = []
  sessions.on('error', (error) => errors.push(error))
  t.equal(await look('broken'), null)
  t.match(errors, [{ code: 'DECODE' }])
  await called((done) => sessions.set('broken', sessionOf('ada'), done))
  t.match(await look('broken'), { user: 'ada' }, 'it can begin anew')
  await sessions.close()
  await t.rejects(look('broken'), { code: 'CLOSED' })
  t.ok(await store.has('session/broken'), 'the store is still open')
  t.throws(() => new LinkstoreSessionStore({ store: 1 as never }), TypeError)
})
