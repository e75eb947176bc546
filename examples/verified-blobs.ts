/** Keeps a file by what is in it, and refuses one that was cut off on the way. */
import { createReadStream, writeFileSync } from 'node:fs'
import { open, StoreError } from 'linkstore'
import { withBlobs } from 'linkstore/blob'

writeFileSync('report.txt', 'hello world')
await using blobs = withBlobs(await open('./blobs'))
const { key } = await blobs.putBlob(createReadStream('report.txt'))
console.log(key) // => bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e

try {
  await blobs.putBlob(createReadStream('report.txt', { end: 4 }), { digest: key, sizeBytes: 11 })
} catch (error) {
  if (!(error instanceof StoreError)) throw error
  console.log(error.code) // => TOO_SMALL
}
await using blob = await blobs.getBlob(key)
console.log(await blob?.text()) // => hello world
