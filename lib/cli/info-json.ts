import type { ObjectInfo } from '../../index.js'
import { safeJson } from './safe-text.js'

/** What is known of an object as JSON: its moments as numbers, and in ISO 8601 for people. */
export function infoJson(info: ObjectInfo): string {
  const { writtenAtMs, expiresAtMs } = info
  return safeJson({ ...info, writtenAt: isoTime(writtenAtMs), expiresAt: isoTime(expiresAtMs) })
}

/** A clock can be so wrong that no calendar has its moment. */
function isoTime(atMs: number | undefined): string | undefined {
  const date = new Date(atMs ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
