import t from 'tap'
import { directoryStore } from '../../index.js'
import { withNamespace } from '../../lib/layers/namespaced.js'
import { createKeyring, identityText, withSeal } from '../../lib/layers/sealed.js'
import { pattern } from '../conformance/support.js'
import * as reference from '../support/sealed-reference.js'
import {
  ada,
  bob,
  eve,
  CHUNK,
  GROUP_VALUE,
  forBoth,
  sealedBy,
  innerKeys,
  keysOf,
  bytesAt,
  only,
  failureOf,
  secretOf,
  vectorInput,
  counting,
} from '../support/sealed-stores.js'
import { scratchDirectory } from '../support/surroundings.js'

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
