/**
 * What a host sees while its server is away: it looks at two keys, waits until it is cut off and
 * the other host has changed both, and looks again.
 *
 *     softerr-worker ROOT_A ROOT_B READY_PATH CUT_PATH
 */
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { open, StoreError } from '../../index.js'
import { report } from './channel.js'

const [rootA = '', rootB = '', readyPath = '', cutPath = ''] = process.argv.slice(2)
const a = await open(rootA)
const b = await open(rootB)

async function look(key: string): Promise<string> {
  try {
    return String(await a.get(key))
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
}

await b.set('known', 'old')
report({ known: await look('known'), missing: await look('missing') })
writeFileSync(readyPath, '')
while (!existsSync(cutPath)) await setTimeout(20)
await b.set('known', 'new')
await b.set('missing', 'new')
report({ known: await look('known'), missing: await look('missing') })
process.exit(0)
