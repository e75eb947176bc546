import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A real file, to be used as a value. */
export interface Sample {
  /** Its path in the package. */
  readonly name: string
  readonly bytes: Buffer
  readonly sha256: string
}

const MAX_SAMPLES = 300
const MAX_SAMPLE_BYTES = 1024 * 1024

/**
 * The files of this package, as far as they are there: sources, what was built of them,
 * documents. The last sample is a long one, all of the others in a row, because values too large
 * for one read take another way through the store.
 */
export async function collectSamples(): Promise<Sample[]> {
  const root = packageRoot()
  const names = thin(await filesUnder(root, ''))
  const samples: Sample[] = []
  for (const name of names) {
    const bytes = await tryRead(join(root, name))
    if (bytes !== undefined) samples.push(sample(name, bytes))
  }
  const all = Buffer.concat(samples.map(({ bytes }) => bytes)).subarray(0, MAX_SAMPLE_BYTES)
  return [...samples, sample('(all of them in a row)', all)]
}

/** The SHA-256 of a value, in hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function sample(name: string, bytes: Buffer): Sample {
  return { name, bytes, sha256: sha256Of(bytes) }
}

function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory)
  return directory
}

async function filesUnder(root: string, folder: string): Promise<string[]> {
  const names: string[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    if (isSkipped(entry.name)) continue
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) names.push(...(await filesUnder(root, name)))
    else if (entry.isFile()) names.push(name)
  }
  return names
}

/** Source maps are left out: too many of the files would be that. */
function isSkipped(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules' || name.endsWith('.map')
}

/** An even choice of at most {@link MAX_SAMPLES}. */
function thin(names: readonly string[]): string[] {
  const step = Math.max(1, names.length / MAX_SAMPLES)
  const count = Math.min(names.length, MAX_SAMPLES)
  return Array.from({ length: count }, (_, index) => names[Math.floor(index * step)] ?? '')
}

/** A file may go away while a package is being rebuilt. */
async function tryRead(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch {
    return undefined
  }
}
