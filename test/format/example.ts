import { crc32 } from 'node:zlib'
import type { Footer } from '../../lib/format/footer.js'

/** The value of the object that `docs/format.md` takes apart. */
export const EXAMPLE_VALUE = Buffer.from('{"n":1}\n')

/** What its footer says. */
export const EXAMPLE: Footer = {
  version: '00112233445566778899aabbccddeeff',
  valueBytes: EXAMPLE_VALUE.length,
  valueCrc: crc32(EXAMPLE_VALUE),
  key: 'user:1',
  host: 'pod-1',
  writtenAtMs: 1_700_000_000_000,
  expiresAtMs: 1_700_003_600_000,
  contentType: 'application/json',
  metadata: { by: 'ops' },
}
