/**
 * A process that does a fixed job, for `questions/memory.ts`, and prints by how many MiB that has
 * made it larger at most:
 *
 *     memory-worker NAME JOB DIRECTORY
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { open } from '../../index.js'
import { residentMiB, peakMiB } from '../resident.js'
import { SUBJECTS } from '../subjects.js'
import { firstKeys, loadOf } from './load.js'

/** 64 MiB of values in all, far more than is to be held. */
const VALUES = { valueBytes: 16 * 1024, keys: 2048 }
const IN_FLIGHT = 16
const STREAMED_BLOCKS = 256
const BLOCK_BYTES = 2 ** 20

const [name = '', job = '', directory = ''] = process.argv.slice(2)

async function keepValues(): Promise<number> {
  const entry = SUBJECTS.find((each) => each.name === name && each.isRead)
  if (entry === undefined) throw new Error(`there is no subject ${name}`)
  const load = loadOf(VALUES.valueBytes, firstKeys(VALUES.keys))
  const before = residentMiB()
  const contestant = await entry.contend({ directory, tools: directory, load, isFilled: false })
  await contestant.check()
  const inFlight = entry.isSync('get') ? 1 : IN_FLIGHT
  await contestant.measure('get', inFlight, 500)
  const grown = peakMiB() - before
  await contestant.close()
  return grown
}

/** A value that does not fit into what is held passes both ways. */
async function streamValue(): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES, 'block')
  const blocks = function* (): Generator<Buffer> {
    for (let count = 0; count < STREAMED_BLOCKS; count += 1) yield block
  }
  const before = residentMiB()
  const [writable, readable, close] = await streamsOf()
  await pipeline(Readable.from(blocks()), writable)
  let bytes = 0
  for await (const chunk of readable() as AsyncIterable<Buffer>) bytes += chunk.length
  if (bytes !== STREAMED_BLOCKS * BLOCK_BYTES) throw new Error(`${name} returned ${bytes} bytes`)
  const grown = peakMiB() - before
  await close()
  return grown
}

type Streams = [NodeJS.WritableStream, () => Readable, () => unknown]

async function streamsOf(): Promise<Streams> {
  if (name === 'linkstore') {
    const store = await open(directory, { durability: 'none', sweep: false })
    const writable = store.createWriteStream('value')
    return [writable, () => store.createReadStream('value'), () => store.close()]
  }
  const path = join(directory, 'value')
  return [createWriteStream(path), () => createReadStream(path), () => undefined]
}

const grown = job === 'stream' ? await streamValue() : await keepValues()
process.stdout.write(`${grown}\n`)
