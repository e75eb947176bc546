import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { directoryStore, Store, StoreError, type ObjectStore } from '../../index.js'
import { memoryStore } from '../../lib/backends/memory.js'
import { withNamespace } from '../../lib/layers/namespaced.js'
import {
  createKeyring,
  generateIdentity,
  identityText,
  openKeyring,
  parseIdentity,
  withSeal,
  type Identity,
  type SealOptions,
} from '../../lib/layers/sealed.js'
import { pattern } from '../conformance/support.js'
import * as reference from '../support/sealed-reference.js'
import { scratchDirectory } from '../support/surroundings.js'

const ada = generateIdentity()
const bob = generateIdentity()
const eve = generateIdentity()

const CHUNK = 65_536
const GROUP_VALUE = 256 * CHUNK

/** A store in memory that is sealed for Ada and Bob. */
async function forBoth(): Promise<ObjectStore> {
  const inner = memoryStore()
  await createKeyring(inner, { identity: ada, recipients: [`${bob.publicKey} bob`] })
  return inner
}

function sealedBy(
  inner: ObjectStore,
  identity: Identity = ada,
  options: Partial<SealOptions> = {},
): Store {
  const trust = [ada.publicKey]
  return new Store(withSeal(inner, { identity, trust, ...options }))
}

async function innerKeys(inner: ObjectStore, prefix = 'object/'): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of inner.list({ prefix })) keys.push(key)
  return keys
}

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const key of store.keys()) keys.push(key)
  return keys
}

async function bytesAt(inner: ObjectStore, key: string): Promise<Buffer> {
  await using object = await inner.read(key)
  return await object!.bytes()
}

/** The one object there is, as it lies there. */
async function only(inner: ObjectStore): Promise<[key: string, bytes: Buffer]> {
  const [key = ''] = await innerKeys(inner)
  return [key, await bytesAt(inner, key)]
}

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof StoreError) return error
  throw new Error(`expected a StoreError, not ${String(error)}`)
}

await t.test('nothing shows what is stored, not even under which name', async (t) => {
  const inner = await forBoth()
  const store = sealedBy(inner)
  await store.set('a secret name', 'a secret value', {
    contentType: 'text/secret',
    metadata: { secret: 'yes' },
  })
  for (const key of [...(await innerKeys(inner)), 'keyring/1']) {
    const bytes = await bytesAt(inner, key)
    t.notMatch(key + bytes.toString('latin1'), /secret/)
    const info = await inner.stat(key)
    t.same([info?.contentType, info?.metadata], [undefined, {}])
    for (const { publicKey } of [ada, bob]) {
      const keys = reference.keysOf(publicKey)
      for (const part of [keys.subarray(0, 32), keys.subarray(32)])
        t.notOk(bytes.includes(Buffer.from(part)))
    }
  }
  t.match(await sealedBy(inner, bob).stat('a secret name'), {
    sizeBytes: 14,
    contentType: 'text/secret',
    metadata: { secret: 'yes' },
  })
  const others = await failureOf(sealedBy(inner, eve).get('a secret name'))
  t.match(others, { code: 'DECRYPT', message: /is not, or not any more, a recipient/ })
  const names = withNamespace(inner, 'other')
  t.match(await failureOf(sealedBy(names).get('k')), { code: 'NOT_A_STORE' })
})

await t.test('an object that was changed in any byte is refused, and left alone', async (t) => {
  const inner = await forBoth()
  await sealedBy(inner).set('k', 'precious', { metadata: { a: 'b' } })
  const [key, sealed] = await only(inner)
  const head = 140 + sealed.readUInt32BE(136)
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed)
    changed[at] = sealed[at]! ^ (1 << (at % 8))
    await inner.write(key, changed)
    const store = sealedBy(inner)
    // What stat tells is right, since a stat does not look at the value.
    const isValue = at >= head && at < head + 'precious'.length + 16
    if (isValue) t.match(await store.stat('k'), { sizeBytes: 8, metadata: { a: 'b' } })
    for (const verb of ['get', 'take', ...(isValue ? [] : ['stat' as const])] as const) {
      const error = await failureOf(store[verb]('k'))
      const isRight = error.code === 'DECRYPT' || (at === 7 && error.code === 'FORMAT_UNSUPPORTED')
      if (!isRight || /precious/.test(error.message)) t.fail(`${verb}, byte ${at}: ${error.code}`)
    }
    const left = await bytesAt(inner, key)
    if (!left.equals(changed)) t.fail(`byte ${at}: it was changed by reading it`)
  }
  const listing = await failureOf(keysOf(sealedBy(inner)))
  t.match(listing, { code: 'DECRYPT', message: /1 objects cannot be listed/ })
  t.equal(await sealedBy(inner).delete('k'), true, 'it can be removed')
})

await t.test('an object that was cut, joined or put in another order is refused', async (t) => {
  const inner = await forBoth()
  const value = pattern(3 * CHUNK + 100)
  await sealedBy(inner).set('k', value)
  const [key, sealed] = await only(inner)
  const head = 140 + sealed.readUInt32BE(136)
  const chunk = CHUNK + 16
  const isRefused = async (bytes: Buffer, what: string): Promise<void> => {
    await inner.write(key, bytes)
    const { code } = await failureOf(sealedBy(inner).get('k'))
    if (code !== 'DECRYPT') t.fail(`${what}: ${code}`)
    await using object = await sealedBy(inner)
      .read('k')
      .catch(() => undefined)
    if (object === undefined) return
    // A part that is not concerned may be read; never another one.
    const pieces: Buffer[] = []
    try {
      for await (const piece of object.stream()) pieces.push(piece as Buffer)
      t.fail(`${what}: it was given out as a whole`)
    } catch {
      const given = Buffer.concat(pieces)
      if (!given.equals(value.subarray(0, given.length))) t.fail(`${what}: something else came out`)
    }
  }
  const borders = [0, 1, 2, 3].map((i) => head + i * chunk)
  for (const border of [...borders, sealed.length, 140, 8, 0, head - 1]) {
    for (const end of [border - 1, border, border + 1]) {
      if (end >= 0 && end < sealed.length) await isRefused(sealed.subarray(0, end), `cut at ${end}`)
    }
  }
  await isRefused(Buffer.concat([sealed, Buffer.alloc(1)]), 'a byte more')
  const part = (i: number): Buffer => sealed.subarray(head + i * chunk, head + (i + 1) * chunk)
  const [start, end] = [sealed.subarray(0, head), sealed.subarray(head + 3 * chunk)]
  await isRefused(Buffer.concat([start, part(1), part(0), part(2), end]), 'swapped')
  await isRefused(Buffer.concat([start, part(0), part(0), part(2), end]), 'repeated')
  await isRefused(Buffer.concat([start, part(0), part(1), end]), 'left out')
  await inner.write(key, sealed)
  t.same(await sealedBy(inner).get('k'), value)

  await sealedBy(inner).set('other', value)
  const otherKey = (await innerKeys(inner)).find((found) => found !== key)!
  const other = await bytesAt(inner, otherKey)
  await inner.write(key, other)
  t.match(await failureOf(sealedBy(inner).get('k')), { code: 'DECRYPT' }, 'swapped between keys')
  const otherHead = other.subarray(0, 140 + other.readUInt32BE(136))
  await isRefused(Buffer.concat([otherHead, sealed.subarray(head)]), 'another head')
  const elsewhere = await forBoth()
  await elsewhere.write(key, sealed)
  await elsewhere.write('object/strange', 'strange')
  t.match(await failureOf(keysOf(sealedBy(elsewhere))), {
    code: 'DECRYPT',
    message: /^2 objects/,
  })
})

await t.test('only what a trusted writer has signed is read', async (t) => {
  const inner = await forBoth()
  await sealedBy(inner, bob).set('k', 'by bob')
  t.equal(String(await sealedBy(inner, bob).get('k')), 'by bob')
  const error = await failureOf(sealedBy(inner).get('k'))
  t.match(error, { code: 'UNTRUSTED', key: 'k' })
  t.ok(error.message.includes(bob.publicKey))
  const trusting = sealedBy(inner, ada, { trust: [`${bob.publicKey} bob`] })
  t.equal(String(await trusting.get('k')), 'by bob')
  t.match(await failureOf(sealedBy(inner).take('k')), { code: 'UNTRUSTED' })
  t.equal(String(await trusting.get('k')), 'by bob', 'and nothing was lost')

  // Bob has all keys, and writes his value in Ada's name.
  const { names, epochs } = JSON.parse(
    reference.openKeyringText(await bytesAt(inner, 'keyring/1'), secretOf(await identityText(bob))),
  ) as { names: string; epochs: { id: string; key: string }[] }
  const [name, sealed] = await only(inner)
  const opened = reference.openObject(
    sealed,
    Buffer.from(name.slice('object/'.length), 'base64url'),
    new Map(epochs.map(({ id, key }) => [id, Buffer.from(key, 'base64url')])),
  )
  t.match({ key: opened.key, value: Buffer.from(opened.value).toString() }, { value: 'by bob' })
  const forged = reference.sealObject({
    ...vectorInput(epochs[0]!, names),
    secret: secretOf(await identityText(bob)),
    key: 'k',
    value: Buffer.from('forged'),
  })
  await inner.write(name, Buffer.from(forged))
  t.match(await failureOf(sealedBy(inner).get('k')), { code: 'UNTRUSTED' })
  t.equal(String(await trusting.get('k')), 'forged', 'it is right in itself')
})

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

await t.test(
  'a large value streams in little memory, and a range reads what it needs',
  async (t) => {
    const root = await scratchDirectory(t)
    const files = await directoryStore(`${root}/store`, { durability: 'none' })
    await createKeyring(files, { identity: ada })
    const counted = counting(files)
    const store = sealedBy(counted)
    const size = 2 * GROUP_VALUE + 3 * CHUNK + 5
    const piece = pattern(CHUNK * 4)
    let most = 0
    const body = async function* (): AsyncGenerator<Buffer> {
      for (let left = size; left > 0; left -= piece.length) {
        most = Math.max(most, process.memoryUsage().arrayBuffers)
        yield piece.subarray(0, left)
      }
    }
    const before = process.memoryUsage().arrayBuffers
    const info = await store.set('large', body())
    t.equal(info.sizeBytes, size)
    await using object = await store.read('large')
    let at = 0
    for await (const part of object!.stream()) {
      most = Math.max(most, process.memoryUsage().arrayBuffers)
      const start = at % piece.length
      const bytes = part as Buffer
      if (!bytes.equals(Buffer.concat([piece, piece]).subarray(start, start + bytes.length))) {
        t.fail(`byte ${at} is another one`)
      }
      at += bytes.length
    }
    t.equal(at, size)
    t.ok(most - before < 64e6, `${most - before} bytes are held of ${size}`)

    for (const start of [0, GROUP_VALUE - 5, GROUP_VALUE + CHUNK - 1, size - 10]) {
      counted.readBytes = 0
      const parts: Buffer[] = []
      for await (const part of object!.stream({ start, end: start + 9 })) parts.push(part as Buffer)
      const at = start % piece.length
      t.same(Buffer.concat(parts), Buffer.concat([piece, piece]).subarray(at, at + 10))
      const most = 2 * (CHUNK + 16) + 2 * (256 * 32 + 104)
      t.ok(counted.readBytes <= most, `${counted.readBytes} bytes were read`)
    }

    // A group of one object is none of another one, and none is another of the same object.
    const [key, sealed] = await only(files)
    const head = 140 + sealed.readUInt32BE(136)
    const group = 256 * (CHUNK + 16) + 256 * 32 + 104
    const swapped = Buffer.concat([
      sealed.subarray(0, head),
      sealed.subarray(head + group, head + 2 * group),
      sealed.subarray(head, head + group),
      sealed.subarray(head + 2 * group),
    ])
    await object!.close()
    await files.write(key, swapped)
    t.match(await failureOf(sealedBy(files).get('large')), { code: 'DECRYPT' })
    await files.write(key, Buffer.concat([sealed.subarray(0, head), sealed.subarray(head + group)]))
    t.match(await failureOf(sealedBy(files).get('large')), { code: 'DECRYPT' })
    await store.close()
  },
)

await t.test(
  'what the store underneath cannot keep, the seal refuses or keeps itself',
  async (t) => {
    const root = await scratchDirectory(t)
    const files = await directoryStore(`${root}/store`, { format: 'raw', durability: 'none' })
    await createKeyring(files, { identity: ada })
    const store = sealedBy(files)
    await store.set('k', 'v', { metadata: { a: 'b' }, contentType: 'x/y' })
    t.match(await store.stat('k'), { metadata: { a: 'b' }, contentType: 'x/y' })
    t.match(await failureOf(store.set('k', 'v', { ttlMs: 1000 })), {
      code: 'NOT_SUPPORTED',
      key: 'k',
    })
    t.match(await failureOf(keysOf(store)), { code: 'NOT_SUPPORTED' })
    await store.close()
    t.throws(() => withSeal(files, { identity: 'linkstore-secret:x' as never }), TypeError)
    t.throws(() => withSeal(files, { identity: ada, trusted: [] } as never), TypeError)
    t.throws(() => withSeal(files, { identity: ada, trust: ['x'] }), TypeError)
    t.throws(() => withSeal(files, { identity: ada, clockSkewMs: -1 }), RangeError)
  },
)

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

/** The secret keys in the text of an identity. */
function secretOf(text: string): Buffer {
  return Buffer.from(reference.keysOf(text.trimEnd().split('\n').at(-1)!))
}

/** The public line of both keys. */
function lineOf(keys: Buffer): string {
  return reference.lineOf('linkstore-public:', keys)
}

function vectorInput(
  epoch: { readonly id: string; readonly key: string },
  names: string,
): Omit<reference.ObjectInput, 'key' | 'value' | 'secret'> {
  return {
    nameKey: Buffer.from(names, 'base64url'),
    epochId: Buffer.from(epoch.id, 'hex'),
    epochKey: Buffer.from(epoch.key, 'base64url'),
    salt: Buffer.alloc(32, 1),
    dataKey: Buffer.alloc(32, 2),
    json: '{"metadata":{}}',
    signedAtMs: Date.now(),
    ttlMs: 0,
  }
}

/** What stands behind each name in the blocks of a page. */
function vectorsOf(page: string): Map<string, string> {
  const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8')
  const vectors = new Map<string, string>()
  const blocks = text.slice(text.indexOf('## Test vectors')).matchAll(/```text\n([^]*?)```/g)
  for (const [, block = ''] of blocks) {
    let name = ''
    for (const line of block.split('\n').filter((line) => line !== '')) {
      const isFirst = !line.startsWith(' ')
      if (isFirst) name = line.slice(0, 13).trimEnd()
      vectors.set(name, (isFirst ? '' : (vectors.get(name) ?? '')) + line.slice(13))
    }
  }
  return vectors
}

/** A store whose writes fail, before they are done or after. */
function failing(inner: ObjectStore, when: 'before' | 'after'): ObjectStore {
  return {
    supports: inner.supports,
    read: (key, options) => inner.read(key, options),
    stat: (key, options) => inner.stat(key, options),
    remove: (key, options) => inner.remove(key, options),
    take: (key, options) => inner.take(key, options),
    list: (options) => inner.list(options),
    close: () => inner.close(),
    write: async (key, body, options) => {
      if (when === 'after') await inner.write(key, body, options)
      throw new StoreError('UNAVAILABLE', 'as the test wants it')
    },
  }
}

/** A store that counts the bytes of the ranges that are read. */
function counting(inner: ObjectStore): ObjectStore & { readBytes: number } {
  const counted = {
    readBytes: 0,
    supports: inner.supports,
    read: async (...[key, options]: Parameters<ObjectStore['read']>) => {
      const object = await inner.read(key, options)
      if (object === undefined) return undefined
      const stream = object.stream.bind(object)
      object.stream = (range) => {
        if (range?.end !== undefined) counted.readBytes += range.end - (range.start ?? 0) + 1
        return stream(range)
      }
      return object
    },
    stat: (...[key, options]: Parameters<ObjectStore['stat']>) => inner.stat(key, options),
    write: (...[key, body, options]: Parameters<ObjectStore['write']>) =>
      inner.write(key, body, options),
    remove: (...[key, options]: Parameters<ObjectStore['remove']>) => inner.remove(key, options),
    take: (...[key, options]: Parameters<ObjectStore['take']>) => inner.take(key, options),
    list: (...[options]: Parameters<ObjectStore['list']>) => inner.list(options),
    close: () => inner.close(),
  }
  return counted
}
