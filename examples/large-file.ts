/** A large file in and out again: it streams, so memory stays small whatever its size. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { open } from 'linkstore'

await writeFile('film.bin', randomBytes(16 * 1024 * 1024))
const { size } = await stat('film.bin')

/** Passes bytes on, and tells on a terminal how far they have come. */
function meter(totalBytes: number): Transform {
  let doneBytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      doneBytes += chunk.length
      if (process.stderr.isTTY)
        process.stderr.write(`\r${Math.floor((100 * doneBytes) / totalBytes)} %`)
      done(null, chunk)
    },
  })
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

await using store = await open('./films')

// Nobody sees the object before the pipeline has finished; if it fails, nobody ever does.
const contentType = 'video/mp4'
await pipeline(
  createReadStream('film.bin'),
  meter(size),
  store.createWriteStream('film', { contentType }),
)

await pipeline(store.createReadStream('film'), createWriteStream('copy.bin'))
console.log((await digest('copy.bin')) === (await digest('film.bin'))) // => true

// A pinned object stays this version, also when another process replaces it meanwhile.
await using object = await store.read('film')
await store.set('film', 'another film')
let bytes = 0
for await (const chunk of object?.stream({ start: 0, end: 999_999 }) ?? []) {
  bytes += (chunk as Buffer).length
}
console.log(bytes, object?.info.sizeBytes) // => 1000000 16777216
