import { read } from '../../lib/source.js'

export const dynamic = 'force-static'

/** Bytes that are no text. */
export async function GET() {
  const { version } = await read('bytes')
  const body = globalThis.Buffer.alloc(64 * 1024, globalThis.Buffer.from([255, 0, 128, version]))
  return new globalThis.Response(body, { headers: { 'content-type': 'application/x-bytes' } })
}
