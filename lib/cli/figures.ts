const SIZE_COLUMNS = 12
const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB']

/** A count with its noun: `1 file`, `1,234 files`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
}

/** A size for people: `12 bytes`, `3.4 MB`. */
export function sized(bytes: number): string {
  let size = bytes
  let unit = 'bytes'
  for (const next of UNITS) {
    if (size < 1000) break
    size /= 1000
    unit = next
  }
  return unit === 'bytes' ? counted(bytes, 'byte') : `${size.toFixed(1)} ${unit}`
}

/** A moment, in the one form everybody reads. A clock can be so wrong that no calendar has it. */
export function timed(atMs: number): string {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? `${atMs} ms after 1970` : date.toISOString()
}

/** A duration for people: `8 s`, `2 min 10 s`, `3 h 5 min`. */
export function lasting(durationMs: number): string {
  const seconds = Math.ceil(durationMs / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** The first columns of a long line: the size, for programs too, and the time of writing. */
export function sizeAndTime(one: {
  readonly sizeBytes: number
  readonly writtenAtMs: number
}): string {
  return `${String(one.sizeBytes).padStart(SIZE_COLUMNS)}  ${timed(one.writtenAtMs)}`
}
