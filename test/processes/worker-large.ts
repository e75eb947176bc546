/**
 * Stores and reads one large value, checks what it reads, and tells how much memory it ever had
 * resident.
 *
 *     worker-large ROOT BYTES once|every-way
 */
import { createHash, randomFillSync } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { open, openSync, type Store } from '../../index.js'

const PIECE_BYTES = 64 * 1024

const [root = '', size = '', how = ''] = process.argv.slice(2)
const sizeBytes = Number(size)
const noise = randomFillSync(Buffer.alloc(PIECE_BYTES))
const digests: Record<string, string> = {}

/** Pieces that differ, so that none can stand in for another. */
function* pieces(digestName: string): Generator<Buffer> {
  const hash = createHash('sha256')
  for (let position = 0; position < sizeBytes; position += PIECE_BYTES) {
    const piece = Buffer.from(noise.subarray(0, sizeBytes - position))
    piece.writeDoubleLE(position, 0)
    hash.update(piece)
    yield piece
  }
  digests[digestName] = hash.digest('hex')
}

async function digestOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of stream) hash.update(piece)
  return hash.digest('hex')
}

/** Reads the bytes on both sides of a border that lies as far back as can be. */
async function isRangeRight(store: Store): Promise<boolean> {
  const border = Math.floor((sizeBytes - 1) / PIECE_BYTES) * PIECE_BYTES
  const range: Buffer[] = []
  for await (const piece of store.createReadStream('k', { start: border - 8, end: border + 7 })) {
    range.push(piece as Buffer)
  }
  const bytes = Buffer.concat(range)
  return bytes.length === 16 && bytes.readDoubleLE(8) === border
}

async function doEveryOtherWay(store: Store): Promise<void> {
  await pipeline(pieces('createWriteStream'), store.createWriteStream('k'))
  await using object = await store.read('k')
  digests['webStream'] = await digestOf(object!.webStream())

  await store.copy('k', 'copy')
  using sync = openSync(root, { durability: 'none' })
  using copy = sync.read('copy')!
  const hash = createHash('sha256')
  for (const piece of copy.pieces()) hash.update(piece)
  digests['copy and pieces'] = hash.digest('hex')
  sync.set('k', pieces('synchronous set'))
}

await using store = await open(root, { durability: 'none' })
await store.set('k', Readable.from(pieces('set')))
digests['createReadStream'] = await digestOf(store.createReadStream('k'))
const isRange = await isRangeRight(store)
if (how === 'every-way') await doEveryOtherWay(store)

const result = {
  isRangeRight: isRange,
  digests,
  residentMiB: Math.round(process.resourceUsage().maxRSS / 1024),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
