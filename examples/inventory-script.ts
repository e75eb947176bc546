/** A script: the synchronous store does the same, one call after the other, without await. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSync } from 'linkstore'

mkdirSync('incoming', { recursive: true })
writeFileSync('incoming/apples.txt', '120')
writeFileSync('incoming/pears.txt', '80')

using store = openSync('./inventory')

for (const name of readdirSync('incoming').sort()) {
  const path = join('incoming', name)
  const modified = statSync(path).mtime.toISOString()
  store.set(name, readFileSync(path), { contentType: 'text/plain', metadata: { modified } })
}

let total = 0
for (const value of store.values()) total += Number(value)
console.log(store.count(), total) // => 2 200

console.log(store.rename('pears.txt', 'archive/pears.txt'), store.has('pears.txt')) // => true false

const { objects, findings } = store.verify()
console.log(objects, findings.length) // => 2 0
