import type * as sdkModule from '@aws-sdk/client-s3'
import type * as pgModule from 'pg'
import { fileURLToPath } from 'node:url'
import { directoryStore } from './backends/directory.js'
import { memoryStore, type MemoryStore } from './backends/memory.js'
import type { OpenOptions } from './backends/opening.js'
import { StoreError } from './errors.js'
import type { CallOptions, ObjectStore } from './object-store.js'
import { open } from './open.js'
import { checkOptionNames, checkOptions, oneOf } from './options.js'
import { Store } from './store.js'

/** How a store is opened by its URL. */
export interface UrlOptions extends CallOptions {
  /** What goes for a directory, if it is one; parameters of the URL go before. */
  readonly directory?: OpenOptions | undefined
  /** What locks the file of the identity that the URL names, if it is locked. */
  readonly passphrase?: string | undefined
}

type Sdk = typeof sdkModule
type Pg = typeof pgModule

/** What the parameters of an URL are read by. */
type Reader = (name: string, text: string) => unknown
type Readers = Readonly<Record<string, Reader>>

const asText: Reader = (_, text) => text
const asBoolean: Reader = (name, text) => oneOf(name, text, ['true', 'false']) === 'true'
const asNumber: Reader = (name, text) => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new TypeError(`${name} must be a number, not ${JSON.stringify(text)}`)
}

const DIRECTORY_PARAMETERS: Readers = {
  create: asBoolean,
  format: asText,
  conditional: asBoolean,
  durability: asText,
  reads: asText,
  fresh: asBoolean,
  readOnly: asBoolean,
  sweep: asBoolean,
} satisfies { [Name in keyof OpenOptions]?: Reader }

const S3_PARAMETERS: Readers = {
  endpoint: asText,
  region: asText,
  forcePathStyle: asBoolean,
  conditional: asBoolean,
  maxKeyBytes: asNumber,
}

/** Of every URL: who reads and writes a sealed store, and whom it trusts. */
const SEAL_PARAMETERS: Readers = {
  identity: asText,
  trust: (_, text) => text.split(','),
}

interface SealParameters {
  readonly identity?: string
  readonly trust?: readonly string[]
}

interface S3Parameters {
  readonly endpoint?: string
  readonly region?: string
  readonly forcePathStyle?: boolean
  readonly conditional?: boolean
  readonly maxKeyBytes?: number
}

const POSTGRES_PARAMETERS: Readers = { table: asText, maxValueBytes: asNumber }

interface PostgresParameters {
  readonly table?: string
  readonly maxValueBytes?: number
}

const SCHEMES =
  'there are file:///path, memory:, memory:name, s3://bucket/prefix and postgres://host/database'
const SDK = '@aws-sdk/client-s3'
const CONNECT_TIMEOUT_MS = 5000
/** Of a connection on which nothing moves. */
const SILENCE_TIMEOUT_MS = 60_000

/** Stores in memory by their names, for as long as the process lives. */
const named = new Map<string, MemoryStore>()

/**
 * Opens a store by an URL, so that it is configuration that chooses the backend:
 * `file:///path`, `memory:` (one of its own), `memory:name` (shared within the process),
 * `s3://bucket/prefix?endpoint=…` or `postgres://host/database?table=…`. What is no URL is the path
 * of a directory. A directory has all that `open` gives it, cells and queues too. `docs/layers.md`
 * has the parameters.
 *
 * @throws TypeError for an unknown scheme or parameter; StoreError as `open` does, and
 *   `NOT_SUPPORTED` if the package is not installed that S3 or PostgreSQL needs
 */
export async function openUrl(url: string, options: UrlOptions = {}): Promise<Store> {
  const place = placeOf(url, options)
  const isPlainDirectory = place.kind === 'directory' && place.seal.identity === undefined
  if (isPlainDirectory) return await open(place.path, place.options)
  return new Store(await objectsAt(place, options))
}

/** The same under its bare face: the backend itself, to put layers over. */
export async function openObjects(url: string, options: UrlOptions = {}): Promise<ObjectStore> {
  return await objectsAt(placeOf(url, options), options)
}

type Place = { readonly seal: SealParameters } & (
  | { readonly kind: 'directory'; readonly path: string; readonly options: OpenOptions }
  | { readonly kind: 'other'; readonly open: () => Promise<ObjectStore> }
)

async function objectsAt(place: Place, { passphrase }: UrlOptions): Promise<ObjectStore> {
  const { identity: path, trust } = place.seal
  const isDirectory = place.kind === 'directory'
  const open = (): Promise<ObjectStore> =>
    isDirectory ? directoryStore(place.path, place.options) : place.open()
  if (path === undefined) return await open()
  const { readIdentity, withSeal } = await import('./layers/sealed.js')
  const identity = await readIdentity(path, { passphrase })
  const inner = await open()
  try {
    return withSeal(inner, { identity, trust })
  } catch (error) {
    await inner.close()
    throw error
  }
}

function placeOf(text: string, options: UrlOptions): Place {
  checkOptionNames(options, ['signal', 'directory', 'passphrase'])
  const { signal, directory = {} } = options
  checkOptions(directory)
  if (typeof text !== 'string' || text === '') throw new TypeError('an URL must be a string')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined)
    return { kind: 'directory', path: text, options: { ...directory, signal }, seal: {} }
  if (scheme === 'file') return fileAt(text, { ...directory, signal })
  if (scheme === 'memory') {
    const url = parse(text)
    return elsewhere(parametersOf(url, {}), () => memoryAt(url))
  }
  if (scheme === 's3') {
    const url = parse(text)
    return elsewhere(parametersOf(url, S3_PARAMETERS), (own) => s3At(url, own))
  }
  if (scheme === 'postgres' || scheme === 'postgresql') {
    const url = parse(text, true)
    return elsewhere(parametersOf(url, POSTGRES_PARAMETERS), (own) => postgresAt(url, own))
  }
  const hint = `a directory of that name is ${hiding(`./${text}`)}`
  throw new TypeError(`there is no backend for ${scheme}: in ${hiding(text)}; ${SCHEMES}; ${hint}`)
}

function parse(text: string, mayNameUser = false): URL {
  if (!URL.canParse(text)) throw new TypeError(`${hiding(text)} is not an URL; ${SCHEMES}`)
  const url = new URL(text)
  if (url.password !== '' || (url.username !== '' && !mayNameUser)) {
    const elsewhere = mayNameUser ? 'pg takes PGPASSWORD or .pgpass' : 'the SDK of AWS finds them'
    throw new TypeError(`credentials do not belong in an URL; ${elsewhere}`)
  }
  if (url.hash !== '') throw new TypeError(`an URL of a store has no fragment, as ${url.hash} is`)
  return url
}

function fileAt(text: string, options: OpenOptions): Place {
  const url = parse(text)
  // A path that is not absolute would be made so.
  if (!/^file:\/\/\//i.test(text) || url.pathname === '/') {
    throw new TypeError(`${hiding(text)} names no directory; write file:///and/its/path`)
  }
  const { identity, trust, ...parameters } = parametersOf(url, DIRECTORY_PARAMETERS)
  const path = fileURLToPath(`file://${url.pathname}`)
  return {
    kind: 'directory',
    path,
    options: { ...options, ...parameters },
    seal: { identity, trust } as SealParameters,
  }
}

function memoryAt({ pathname: name }: URL): Promise<MemoryStore> {
  if (name === '') return Promise.resolve(memoryStore())
  const first = named.get(name) ?? memoryStore()
  named.set(name, first)
  return Promise.resolve(memoryStore({ from: first }))
}

/** A place whose URL has parameters of its own, beside those of the seal. */
function elsewhere<P extends SealParameters>(
  { identity, trust, ...own }: P,
  open: (own: Omit<P, keyof SealParameters>) => Promise<ObjectStore>,
): Place {
  return { kind: 'other', open: () => open(own), seal: { identity, trust } as SealParameters }
}

async function s3At(url: URL, parameters: S3Parameters): Promise<ObjectStore> {
  const { endpoint, region, forcePathStyle = endpoint !== undefined, ...others } = parameters
  if (url.host === '') throw new TypeError(`${url.href} names no bucket; write s3://bucket`)
  if (endpoint !== undefined && !/^https?:\/\//.test(endpoint)) {
    throw new TypeError(`endpoint must be the http or https URL of a server, not ${endpoint}`)
  }
  const { S3Client } = await packageFor<Sdk>('S3', SDK, () => import('@aws-sdk/client-s3'))
  const { s3Store } = await import('./backends/s3.js')
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint, region: region ?? 'us-east-1' }),
    ...(region !== undefined && { region }),
    forcePathStyle,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS },
  })
  const prefix = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, '')
  return s3Store({ client, bucket: url.host, prefix, ownsClient: true, ...others })
}

async function postgresAt(url: URL, parameters: PostgresParameters): Promise<ObjectStore> {
  const { Pool } = await packageFor<Pg>('PostgreSQL', 'pg', () => import('pg'))
  const { postgresStore } = await import('./backends/postgres.js')
  const [host, user, database] = [url.hostname, url.username, url.pathname.slice(1)]
  // What is not said is taken from PGHOST and the like.
  const client = new Pool({
    ...(host !== '' && { host: decodeURIComponent(host) }),
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(user !== '' && { user: decodeURIComponent(user) }),
    ...(database !== '' && { database: decodeURIComponent(database) }),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  // A connection that breaks while nobody uses it is replaced; without a listener it ends all.
  client.on('error', () => undefined)
  return postgresStore({ client, ownsClient: true, ...parameters })
}

/** A package that is only there for whoever needs it. */
async function packageFor<T>(what: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const message = `${what} needs the package ${name}; npm install ${name}`
    throw new StoreError('NOT_SUPPORTED', message, { operation: 'open', cause })
  }
}

/** The parameters of an URL, read as what they are: those of its scheme and of the seal. */
function parametersOf(url: URL, ofScheme: Readers): Record<string, unknown> {
  const readers = { ...ofScheme, ...SEAL_PARAMETERS }
  const values: Record<string, unknown> = {}
  for (const [name, text] of url.searchParams) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (read === undefined) {
      const known = `there are ${Object.keys(readers).join(', ')}`
      throw new TypeError(`unknown parameter ${JSON.stringify(name)} of ${url.protocol}; ${known}`)
    }
    if (name in values) throw new TypeError(`the parameter ${name} is given twice`)
    values[name] = read(name, text)
  }
  if ('trust' in values && !('identity' in values)) {
    throw new TypeError('trust is said of a sealed store; name an identity, too')
  }
  return values
}

/** A text for a message, without what may be a password in it. */
function hiding(text: string): string {
  return JSON.stringify(text.replace(/\/\/[^/@]*@/, '//…@'))
}
