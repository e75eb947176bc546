/**
 * Makes the stores that lie beside it, `v1` and `sos`. They were made once; what a release has
 * written must stay readable for ever, so they are never made again for the same version.
 *
 *     node dist/test/format/make-store.js test/format
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openSyncIn } from '../support/environment.js'
import { Sos } from './sos.js'

/** When everything in `v1` was written: 2023-11-14 at 22:13:20 UTC. */
export const MADE_AT_MS = 1_700_000_000_000

/** What `v1` holds. */
export const V1_OBJECTS = [
  {
    key: 'user:1',
    value: Buffer.from('{"name":"Ada"}'),
    options: { contentType: 'application/json', metadata: { by: 'ops', ['__proto__']: 'x' } },
  },
  { key: 'grüße/😀', value: Buffer.from([0, 255, 10, 13]), options: { metadata: { ключ: 'λ' } } },
  { key: '', value: Buffer.from('the empty key'), options: {} },
  { key: 'empty', value: Buffer.alloc(0), options: {} },
  { key: 'session', value: Buffer.from('gone'), options: { ttlMs: 1000 } },
] as const

/** What `sos` holds: keys and values. */
export const SOS_OBJECTS = [
  ['hello', 'world'],
  ['empty', ''],
  ['', 'the empty key'],
] as const

/** A value on its way that a SOS process never published. */
export const SOS_LEFTOVER = '.tmp/host-0000002a-1600000000000000000-0000007b'

/** Makes a store of format version 1, always the same. */
export function makeV1(root: string): void {
  let count = 0
  const environment = {
    host: 'pod-1',
    now: () => MADE_AT_MS,
    randomId: () => (count += 1).toString(16).padStart(2, '0').repeat(16),
  }
  using store = openSyncIn(environment, root, { durability: 'none' })
  for (const { key, value, options } of V1_OBJECTS) store.set(key, value, options)
}

/** Makes a store as Go's SOS does. */
export function makeSos(root: string): void {
  const sos = new Sos(root, 'host-0000002a')
  for (const [key, value] of SOS_OBJECTS) sos.store(key, Buffer.from(value))
  sos.begin(join(root, SOS_LEFTOVER), Buffer.from('half a va'))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [directory = '.'] = process.argv.slice(2)
  makeV1(join(directory, 'v1'))
  makeSos(join(directory, 'sos'))
}
