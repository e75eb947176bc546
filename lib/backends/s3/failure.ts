/** What goes wrong with S3, in the codes of the store. */
import { abortError } from '../../drivers/abort.js'
import { StoreError, type ErrorCode } from '../../errors.js'

/** What the errors of the SDK have; those of the network have no status. */
interface SdkError extends Error {
  /** Of the network's, such as ECONNREFUSED. */
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
}

const CODE_BY_NAME: ReadonlyMap<string, ErrorCode> = new Map([
  ['NoSuchBucket', 'NOT_A_STORE'],
  ['InvalidBucketName', 'NOT_A_STORE'],
  ['CredentialsProviderError', 'ACCESS_DENIED'],
  ['QuotaExceeded', 'NO_SPACE'],
  ['XMinioStorageFull', 'NO_SPACE'],
])

const CODE_BY_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'ACCESS_DENIED'],
  [403, 'ACCESS_DENIED'],
  [408, 'UNAVAILABLE'],
  [409, 'UNAVAILABLE'],
  [429, 'UNAVAILABLE'],
  [501, 'NOT_SUPPORTED'],
  [507, 'NO_SPACE'],
])

const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  NOT_A_STORE: 'make the bucket first, or check its name',
  ACCESS_DENIED: 'check the credentials, and what they may do in this bucket',
  NO_SPACE: 'free some space, or raise the quota',
  UNAVAILABLE: 'try again',
}

/** The HTTP status of an error of the SDK; 0 if no answer came. */
export function httpStatus(error: unknown): number {
  return (error as SdkError).$metadata?.httpStatusCode ?? 0
}

/** Whether a call was made again: what an earlier attempt did may have gone unanswered. */
export function wasRepeated(error: unknown): boolean {
  return ((error as SdkError).$metadata?.attempts ?? 1) > 1
}

/** Whether a condition of a request did not hold. */
export function isConditionFailure(error: unknown): boolean {
  return httpStatus(error) === 412
}

/** Whether two conditional requests got in each other's way, so that neither was judged. */
export function isConflict(error: unknown): boolean {
  return httpStatus(error) === 409
}

/** Whether there is no object of that name. */
export function isMissing(error: unknown): boolean {
  return httpStatus(error) === 404 && (error as Error).name !== 'NoSuchBucket'
}

/** What a call of the SDK threw, as an error of the store. */
export function toFailure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof StoreError) return error
  if (signal?.aborted === true) return abortError(signal)
  const { name, message } = error as SdkError
  const status = httpStatus(error)
  const code = CODE_BY_NAME.get(name) ?? (status === 0 ? codeOfSilence(error) : codeOf(status))
  const said = status === 0 ? `${name}: ${message}` : `${status} ${name}: ${message}`
  const advice = ADVICE[code]
  const text = advice === undefined ? `S3 said ${said}` : `S3 said ${said}; ${advice}`
  return new StoreError(code, text, { cause: error })
}

function codeOf(status: number): ErrorCode {
  return CODE_BY_STATUS.get(status) ?? (status >= 500 ? 'UNAVAILABLE' : 'IO')
}

/** No answer came: because of the network, or the SDK did not even ask. */
function codeOfSilence(error: unknown): ErrorCode {
  const { name, code, $metadata } = error as SdkError
  const isNetwork = code !== undefined || name === 'TimeoutError' || $metadata !== undefined
  return isNetwork ? 'UNAVAILABLE' : 'IO'
}
