import t from 'tap'
import { Store } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import {
  createKeyring,
  generateIdentity,
  identityText,
  openKeyring,
  parseIdentity,
  withSeal,
} from '../../lib/layers/sealed.js'
import { pattern } from '../conformance/support.js'
import * as reference from '../support/sealed-reference.js'
import {
  ada,
  bob,
  eve,
  CHUNK,
  forBoth,
  sealedBy,
  bytesAt,
  only,
  failureOf,
  secretOf,
  lineOf,
  vectorsOf,
  failing,
} from '../support/sealed-stores.js'

await t.test(
  'an old version that comes back is refused to whoever has seen a newer one',
  async (t) => {
    const inner = await forBoth()
    const [writer, reader] = [sealedBy(inner), sealedBy(inner, bob)]
    await writer.set('k', 'old')
    const [key, old] = await only(inner)
    await writer.set('k', 'new')
    const fresh = await bytesAt(inner, key)
    await inner.write(key, old)
    t.match(await failureOf(writer.get('k')), { code: 'UNTRUSTED', message: /old version/ })
    t.equal(String(await reader.get('k')), 'old', 'it has seen nothing newer')
    await inner.write(key, fresh)
    t.equal(String(await reader.get('k')), 'new')
    await inner.write(key, old)
    for (const verb of ['get', 'stat', 'take'] as const) {
      t.match(await failureOf(reader[verb]('k')), { code: 'UNTRUSTED' }, verb)
    }
    t.same(await bytesAt(inner, key), old, 'nothing was lost')
    await writer.set('k', 'newer')
    t.equal(String(await reader.get('k')), 'newer')
    await reader.delete('k')
    await inner.write(key, fresh)
    t.match(await failureOf(reader.get('k')), { code: 'UNTRUSTED' }, 'what was removed')

    const kept = { memory: memoryStore(), clockSkewMs: 0 }
    await writer.set('k', 'last')
    t.equal(String(await sealedBy(inner, bob, kept).get('k')), 'last')
    await inner.write(key, fresh)
    const again = await failureOf(sealedBy(inner, bob, kept).get('k'))
    t.match(again, { code: 'UNTRUSTED' }, 'after a restart, and though it was never seen')
  },
)

await t.test('calls that overlap are never taken for the return of an old version', async (t) => {
  const inner = await forBoth()
  const stores = [sealedBy(inner), sealedBy(inner, bob, { trust: [ada.publicKey] })]
  const trusting = [sealedBy(inner, ada, { trust: [bob.publicKey] }), stores[1]!]
  for (let round = 0; round < 30; round += 1) {
    await Promise.all(
      trusting.flatMap((store, i) => [
        store.set('k', `${round} ${i}`),
        store.get('k'),
        store.set('k', `${round} ${i} again`),
        store.get('k'),
        round % 5 === 0 ? store.delete('k') : store.stat('k'),
      ]),
    )
  }
  for (const store of trusting) await store.get('k')
  t.pass('none was refused')
})

await t.test('a lifetime is signed', async (t) => {
  const inner = await forBoth()
  const store = sealedBy(inner, ada, { clockSkewMs: 0 })
  await store.set('k', 'short', { ttlMs: 30 })
  const [key, sealed] = await only(inner)
  await inner.write(key, sealed)
  t.match(await failureOf(store.get('k')), { code: 'UNTRUSTED', message: /lifetime/ })
  await inner.write(key, sealed, { ttlMs: 3_600_000 })
  await new Promise((resolve) => setTimeout(resolve, 40))
  t.match(await failureOf(store.get('k')), { code: 'UNTRUSTED', message: /lifetime/ })
})

await t.test('recipients come and go, and no body is written anew', async (t) => {
  const inner = await forBoth()
  const writer = sealedBy(inner, ada, { refreshMs: 0 })
  await writer.set('before', 'one')
  const [name, body] = await only(inner)
  const carol = generateIdentity()
  const keyring = await openKeyring(inner, { identity: ada })
  await keyring.addRecipients([`${carol.publicKey} carol`])
  await keyring.addRecipients([carol.publicKey])
  t.same([keyring.generation, keyring.epochs], [2, 1], 'adding one again changes nothing')
  t.same(keyring.recipients.slice(1), [`${bob.publicKey} bob`, `${carol.publicKey} carol`])
  t.equal(String(await sealedBy(inner, carol).get('before')), 'one')
  const running = sealedBy(inner, bob)
  t.equal(String(await running.get('before')), 'one')
  await keyring.removeRecipients([bob.publicKey])
  await writer.set('after', 'two')
  t.match(await failureOf(running.get('after')), { code: 'DECRYPT' })
  t.match(await failureOf(sealedBy(inner, bob).get('before')), { code: 'DECRYPT' })
  t.equal(String(await sealedBy(inner, carol).get('after')), 'two')
  t.equal(String(await sealedBy(inner, carol).get('before')), 'one')
  t.same(await bytesAt(inner, name), body)
  await t.rejects(keyring.removeRecipients(keyring.recipients), RangeError)
  await keyring.rotate()
  t.same([keyring.generation, keyring.epochs], [4, 3])
  t.equal(await createKeyring(inner, { identity: eve }), false)

  const byCarol = await openKeyring(inner, { identity: carol, keepers: [ada.publicKey] })
  await byCarol.addRecipients([eve.publicKey])
  t.match(await failureOf(sealedBy(inner).get('after')), { code: 'UNTRUSTED', message: /keepers/ })
  const allowing = sealedBy(inner, ada, { keepers: [carol.publicKey] })
  t.equal(String(await allowing.get('after')), 'two')
  for (const line of ['', 'x', 1, 'linkstore-public:AAAA', carol.publicKey.slice(0, -1)]) {
    await t.rejects(keyring.addRecipients([line as string]), TypeError)
  }
})

await t.test('a keyring that was changed or put back is refused', async (t) => {
  const inner = await forBoth()
  await sealedBy(inner).set('k', 'v')
  const sealed = await bytesAt(inner, 'keyring/1')
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed)
    changed[at] = sealed[at]! ^ (1 << (at % 8))
    await inner.write('keyring/1', changed)
    const { code } = await failureOf(sealedBy(inner, bob).get('k'))
    const isForOther = at >= 82 && at < 82 + 48
    if (code !== 'DECRYPT' && !(at === 7 && code === 'FORMAT_UNSUPPORTED')) {
      t.fail(`byte ${at}: ${code}, ${isForOther}`)
    }
  }
  for (let end = 0; end < sealed.length; end += 7) {
    await inner.write('keyring/1', sealed.subarray(0, end))
    t.match(await failureOf(sealedBy(inner, bob).get('k')), { code: 'DECRYPT' })
  }
  await inner.write('keyring/1', sealed)
  const memory = memoryStore()
  await (await openKeyring(inner, { identity: ada })).removeRecipients([bob.publicKey])
  t.equal(String(await sealedBy(inner, ada, { memory }).get('k')), 'v')
  await inner.remove('keyring/2')
  t.match(await failureOf(sealedBy(inner, ada, { memory }).set('k', 'for bob')), {
    code: 'UNTRUSTED',
    message: /generation 1, and this reader has seen generation 2/,
  })
  t.equal(String(await sealedBy(inner).get('k')), 'v', 'whoever has no memory of it cannot tell')
})

await t.test(
  'a change of the keyring that fails half-way leaves the old one or the new one',
  async (t) => {
    const inner = await forBoth()
    await sealedBy(inner).set('k', 'v')
    for (const when of ['before', 'after'] as const) {
      const keyring = await openKeyring(failing(inner, when), { identity: ada })
      const changes = [
        () => keyring.rotate(),
        () => keyring.addRecipients([eve.publicKey]),
        () => keyring.removeRecipients([bob.publicKey]),
      ]
      for (const change of changes) {
        const { generation } = await openKeyring(inner, { identity: ada })
        t.equal((await failureOf(change())).code, 'UNAVAILABLE')
        const now = await openKeyring(inner, { identity: ada })
        t.equal(now.generation, generation + (when === 'after' ? 1 : 0))
        t.equal(String(await sealedBy(inner).get('k')), 'v')
      }
    }
    await (await openKeyring(inner, { identity: ada })).rotate()
    t.equal(String(await sealedBy(inner, eve).get('k')), 'v', 'it can be changed again')
  },
)

await t.test('changes and writes at the same time lose nothing', async (t) => {
  const inner = await forBoth()
  const others = Array.from({ length: 6 }, () => generateIdentity())
  const writer = sealedBy(inner, ada, { refreshMs: 0 })
  const changing = others.map(async ({ publicKey }, i) => {
    const keyring = await openKeyring(inner, { identity: ada })
    await keyring.addRecipients([publicKey])
    if (i % 2 === 0) await keyring.rotate()
  })
  const writing = Array.from({ length: 60 }, async (_, i) => await writer.set(`k${i}`, `${i}`))
  await Promise.all([...changing, ...writing])
  const { recipients, epochs } = await openKeyring(inner, {
    identity: bob,
    keepers: [ada.publicKey],
  })
  t.same([recipients.length, epochs], [2 + others.length, 4])
  for (const identity of [bob, ...others]) {
    const values = await sealedBy(inner, identity).getMany(writing.map((_, i) => `k${i}`))
    t.same(
      [...values.values()].map(String),
      writing.map((_, i) => `${i}`),
    )
  }
})

await t.test('identities are text, locked or not, and never in an error', async (t) => {
  const text = await identityText(ada, { comment: 'ada' })
  t.match(text, `# ${ada.publicKey} ada\n`)
  t.equal((await parseIdentity(text)).publicKey, ada.publicKey)
  t.notOk(JSON.stringify([ada]).includes(text.slice(-60, -10)))
  const locked = await identityText(ada, { passphrase: 'grün' })
  t.notOk(locked.includes(text.slice(-60, -10)))
  t.equal((await parseIdentity(locked, { passphrase: 'gru\u0308n' })).publicKey, ada.publicKey)
  t.match(await failureOf(parseIdentity(locked, { passphrase: 'other' })), { code: 'DECRYPT' })
  await t.rejects(parseIdentity(locked), TypeError)
  const secret = text.trimEnd().split('\n').at(-1)!
  const typed = secret.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
  for (const wrong of [typed, ada.publicKey, '', `${secret}\n${secret}`]) {
    const error = await parseIdentity(wrong).catch((reason: unknown) => reason)
    t.ok(error instanceof TypeError && !error.message.includes(secret.slice(20, 40)))
  }
  const error = await createKeyring(memoryStore(), { identity: bob, recipients: [secret] }).catch(
    (reason: unknown) => reason,
  )
  t.ok(error instanceof TypeError && !error.message.includes(secret.slice(20, 40)))
  const lowOrder = Buffer.concat([Buffer.alloc(32), reference.keysOf(bob.publicKey).subarray(32)])
  await t.rejects(
    createKeyring(memoryStore(), { identity: bob, recipients: [lineOf(lowOrder)] }),
    TypeError,
  )
})

await t.test(
  'another implementation makes the same bytes, and reads what this one makes',
  async (t) => {
    const vectors = vectorsOf('docs/sealed.md')
    const of = (name: string): string => vectors.get(name) ?? t.fail(`no ${name}`).toString()
    const hex = (name: string): Buffer => Buffer.from(of(name), 'hex')
    const identity = await parseIdentity(of('secret'))
    t.equal(identity.publicKey, of('public'))
    const secret = reference.keysOf(of('secret'))
    t.same(Buffer.from(reference.publicOf(secret)), Buffer.from(reference.keysOf(of('public'))))
    const keyring = reference.sealKeyring({
      secret,
      ephemeral: hex('ephemeral'),
      fileKey: hex('file key'),
      generation: 1,
      recipients: [reference.publicOf(secret)],
      json: of('keyring json'),
    })
    t.equal(Buffer.from(keyring).toString('hex'), of('keyring'))
    const object = reference.sealObject({
      secret,
      nameKey: hex('name key'),
      epochId: hex('epoch id'),
      epochKey: hex('epoch key'),
      salt: hex('salt'),
      dataKey: hex('data key'),
      key: of('key'),
      json: of('json'),
      value: Buffer.from(of('value')),
      signedAtMs: Number(of('signed at')),
      ttlMs: Number(of('ttl')),
    })
    t.equal(Buffer.from(object).toString('hex'), of('object'))
    const inner = memoryStore()
    await inner.write('keyring/1', hex('keyring'))
    await inner.write(of('inner key'), hex('object'))
    const store = new Store(withSeal(inner, { identity }))
    t.equal(String(await store.get(of('key'))), of('value'))
    const { contentType, metadata } = (await store.stat(of('key')))!
    t.same({ contentType, metadata }, JSON.parse(of('json')))

    const epochs = new Map([[of('epoch id'), hex('epoch key')]])
    for (const [index, sizeBytes] of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK].entries()) {
      const value = pattern(sizeBytes)
      await store.set(`k${index}`, value, { contentType: 'x/y' })
      const name = Buffer.from(reference.hiddenName(hex('name key'), `k${index}`))
      const sealed = await bytesAt(inner, `object/${name.toString('base64url')}`)
      const opened = reference.openObject(sealed, name, epochs)
      t.same(Buffer.from(opened.value), value)
      t.same([opened.key, opened.json], [`k${index}`, '{"contentType":"x/y","metadata":{}}'])
      t.equal(lineOf(Buffer.from(opened.writer)), identity.publicKey)
    }
    await (await openKeyring(inner, { identity })).addRecipients([`${bob.publicKey} bob`])
    const bobs = secretOf(await identityText(bob))
    const read = JSON.parse(
      reference.openKeyringText(await bytesAt(inner, 'keyring/2'), bobs),
    ) as object
    t.match(read, { recipients: [identity.publicKey, `${bob.publicKey} bob`] })
  },
)
