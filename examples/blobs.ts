/** Files behind abstract-blob-store, for what stores files through that interface. */
import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { LinkstoreBlobStore, type BlobMetadata } from 'linkstore/abstract-blob-store'

const blobs = new LinkstoreBlobStore('./blobs')

function save(content: string): Promise<BlobMetadata> {
  const key = createHash('sha256').update(content).digest('hex').slice(0, 16)
  return new Promise((resolve, reject) => {
    const writer = blobs.createWriteStream({ key, contentType: 'text/plain' }, (error, blob) => {
      if (blob === undefined) reject(error ?? new Error('nothing was stored'))
      else resolve(blob)
    })
    writer.end(content)
  })
}

const { key, size } = await save('the content of a file')
console.log(size) // => 21
console.log(await text(blobs.createReadStream({ key, start: 4, end: 10 }))) // => content
await blobs.close()
