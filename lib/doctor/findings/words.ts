/** A size for people. */
export function sized(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']
  let [size, unit] = [bytes, 0]
  for (; size >= 1000 && unit < units.length - 1; unit += 1) size /= 1000
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit] ?? ''}`
}

/** A number for people. */
export function numbered(count: number): string {
  return count.toLocaleString('en')
}

/** A number with its noun. */
export function counted(count: number, noun: string): string {
  return `${numbered(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** A length of time for people. */
export function lasting(durationMs: number): string {
  const seconds = Math.abs(durationMs) / 1000
  if (seconds < 1) return `${Math.round(Math.abs(durationMs))} ms`
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} hours`
  return `${Math.round(seconds / 86_400)} days`
}

/** A share of a whole. */
export function percent(part: number, whole: number): string {
  const share = (100 * part) / whole
  return `${share > 0 && share < 1 ? 'less than 1' : Math.floor(share)} %`
}
