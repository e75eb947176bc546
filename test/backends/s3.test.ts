import t from 'tap'
import type { ObjectStore, Supports } from '../../index.js'
import { s3Store, type S3Options } from '../../lib/backends/s3.js'
import { conformance, type Subject } from '../conformance/index.js'
import { S3Server } from '../support/s3-server.js'

const server = await S3Server.start()
t.teardown(() => server.stop())

const SUPPORTS: Supports = {
  list: true,
  metadata: true,
  expiry: true,
  versions: true,
  conditions: false,
  maxKeyBytes: 1024,
}

/** Each with a client of its own, as another process would have it. */
function subjectOf(bucket: string, options: Partial<S3Options>): Subject {
  const open = async (): Promise<ObjectStore> =>
    s3Store({ client: server.client(), bucket, ...options })
  return { open, remove: () => Promise.resolve() }
}

const kinds: readonly [name: string, bucket: string, options: Partial<S3Options>][] = [
  ['a bucket', 'things', {}],
  ['a conditional part of a bucket', 'things', { conditional: true, prefix: 'a/b' }],
  ['a conditional bucket without conditional removals', 'plain-removals', { conditional: true }],
]

for (const [name, bucketName, options] of kinds) {
  await t.test(`${name} keeps every contract`, async (t) => {
    const { conditional = false, prefix = '' } = options
    const maxKeyBytes = 1024 - (prefix === '' ? 0 : prefix.length + 1)
    await conformance({
      test: (title, body) => t.test(title, body),
      factory: async () => subjectOf(await server.bucket(bucketName), options),
      supports: { ...SUPPORTS, conditions: conditional, maxKeyBytes },
    })
  })
}
