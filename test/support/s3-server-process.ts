/**
 * A process of its own that serves S3 over HTTP: fauxqs, with the conditions of writes and removals
 * that it lacks put before it. Its handlers change the objects in the same turn of the event loop
 * in which a condition was judged, so nothing comes between.
 *
 * The name of a bucket says what the server does not do: one with `plain-removals` ignores the
 * conditions of removals, as MinIO does; one with `no-conditions` ignores all.
 */
import { buildApp } from 'fauxqs'

interface Kept {
  readonly etag: string
}

interface Objects {
  readonly buckets: Map<string, Map<string, Kept>>
  readonly multipartUploads: Map<string, unknown>
}

const place = new URL('s3/s3Store.js', import.meta.resolve('fauxqs'))
const { S3Store } = (await import(place.href)) as {
  S3Store: new () => Objects
}
const objects = new S3Store()
const app = buildApp({ logger: false, stores: { s3Store: objects } as never })

interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly params: unknown
  readonly query: unknown
}

/** What S3 would say instead of doing it. */
function objection({ method, headers, params, query }: Asked): [number, string] | undefined {
  const { bucket = '', '*': name = '' } = params as Record<string, string>
  const { uploadId, partNumber } = query as Record<string, string>
  const isCompletion = method === 'POST' && uploadId !== undefined
  const isPut = method === 'PUT' && partNumber === undefined
  const isRemoval = method === 'DELETE' && uploadId === undefined
  if (bucket.includes('no-conditions') || !(isCompletion || isPut || isRemoval)) return undefined
  if (isRemoval && bucket.includes('plain-removals')) return undefined
  const copied = headers['x-amz-copy-source']
  if (copied !== undefined) {
    const [, from = ''] = /^\/?[^/]+\/(.*)$/.exec(decodeURIComponent(String(copied))) ?? []
    return judge(bucket, from, headers['x-amz-copy-source-if-match'], undefined)
  }
  return judge(bucket, name, headers['if-match'], headers['if-none-match'])
}

function judge(
  bucket: string,
  name: string,
  match: unknown,
  noneMatch: unknown,
): [number, string] | undefined {
  const kept = objects.buckets.get(bucket)?.get(name)
  if (noneMatch === '*' && kept !== undefined) return [412, 'PreconditionFailed']
  if (match === undefined) return undefined
  if (kept === undefined) return [404, 'NoSuchKey']
  return kept.etag === match ? undefined : [412, 'PreconditionFailed']
}

app.addHook('preHandler', (request, reply, done) => {
  const found = objection(request)
  if (found === undefined) {
    done()
    return
  }
  const [status, code] = found
  reply.header('content-type', 'application/xml')
  reply.status(status).send(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`)
})
/** How many uploads in parts are neither complete nor aborted. */
app.get('/-/uploads', () => ({ count: objects.multipartUploads.size }))

const address = await app.listen({ port: 0, host: '127.0.0.1' })
process.stdout.write(`${address}\n`)
// Its parent holds the other end: when that is gone, so is this.
process.stdin.on('end', () => process.exit()).resume()
