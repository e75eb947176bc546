/** Keeps files by what is in them: `node examples/verified-blobs.ts DIRECTORY FILE...`. */
import { createReadStream } from 'node:fs'
import { open } from 'linkstore'
import { withBlobs } from 'linkstore/blob'

const [directory = './blobs', ...files] = process.argv.slice(2)
await using blobs = withBlobs(await open(directory))

for (const file of files) {
  const { key, sizeBytes } = await blobs.putBlob(createReadStream(file))
  console.log(key, sizeBytes, file)
}
for await (const { key, sizeBytes } of blobs.list()) console.log(key, sizeBytes)
