import type { Facts } from '../facts.js'
import { valueOf, whyNot } from '../outcome.js'
import type { Check } from '../report.js'
import { counted, lasting, numbered, percent, sized } from './words.js'

const MAX_OFFSET_MS = 2000
/** A hundredth. */
const LITTLE = 0.01

/** Whether the clocks agree: expiry is judged by those of the hosts. */
export function clockCheck({ clock }: Facts): Check {
  const id = 'clock'
  const found = valueOf(clock)
  if (found === undefined) return { id, grade: 'unknown', summary: whyNot(clock) }
  const { offsetMs, uncertaintyMs } = found
  const within = `± ${lasting(uncertaintyMs)}`
  if (Math.abs(offsetMs) <= uncertaintyMs) {
    return { id, grade: 'good', summary: `this host and the file system agree (${within})` }
  }
  const side = offsetMs > 0 ? 'behind' : 'ahead of'
  const summary = `this host is ${lasting(offsetMs)} ${side} the file system (${within})`
  if (Math.abs(offsetMs) - uncertaintyMs <= MAX_OFFSET_MS) return { id, grade: 'good', summary }
  return {
    id,
    grade: 'weak',
    summary: `${summary}; what expires does so too ${offsetMs > 0 ? 'late' : 'early'} here`,
    advice: 'Let NTP (chrony, systemd-timesyncd) keep the clocks of all nodes and of the server.',
  }
}

/** Room for bytes and files. */
export function spaceCheck({ space }: Facts): Check {
  const id = 'space'
  const found = valueOf(space)
  if (found === undefined || found.totalBytes === 0) {
    const summary = found === undefined ? whyNot(space) : 'the file system does not say'
    return { id, grade: 'unknown', summary }
  }
  const { totalBytes, freeBytes, totalInodes, freeInodes } = found
  const bytes = `${sized(freeBytes)} of ${sized(totalBytes)} free`
  const share = percent(freeInodes, totalInodes)
  const inodes =
    totalInodes === 0
      ? 'no fixed number of files'
      : `room for ${numbered(freeInodes)} files more (${share} of the inodes)`
  const isFull = freeBytes < LITTLE * totalBytes
  const isFullOfFiles = totalInodes > 0 && freeInodes < LITTLE * totalInodes
  const summary = `${bytes}; ${inodes}`
  if (!isFull && !isFullOfFiles) return { id, grade: 'good', summary }
  const what = isFull ? 'bytes' : 'inodes: each object is a file'
  return { id, grade: 'weak', summary, advice: `It is about to run out of ${what}.` }
}

/** What crashes have left in `.tmp`, and what a sweep would do about it. */
export function leftoversCheck({ leftovers, cleanUp, scratch }: Facts): Check {
  const id = 'leftovers'
  if (cleanUp.kind === 'failed' || cleanUp.kind === 'silent') {
    const summary = `${valueOf(scratch) ?? 'what doctor made'} is left: ${whyNot(cleanUp)}`
    return { id, grade: 'weak', summary, advice: 'Remove it by hand.' }
  }
  const found = valueOf(leftovers)
  if (found === undefined) return { id, grade: 'unknown', summary: whyNot(leftovers) }
  const { files, bytes, abandonedFiles, abandonedBytes, oldestAgeMs = 0, isComplete } = found
  if (files === 0) return { id, grade: 'good', summary: 'no private names' }
  const atLeast = isComplete ? '' : 'at least '
  const all = `${atLeast}${counted(files, 'private name')}, ${sized(bytes)}`
  if (abandonedFiles === 0) {
    return { id, grade: 'good', summary: `${all}, all in use within the last hour` }
  }
  const old = `${numbered(abandonedFiles)} (${sized(abandonedBytes)}) by whoever has died`
  return {
    id,
    grade: 'note',
    summary: `${all}, the oldest ${lasting(oldestAgeMs)} old; ${old}`,
    advice: 'linkstore sweep removes what has been silent for an hour; --dry-run only tells.',
  }
}
