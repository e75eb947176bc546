import type { Member } from './crew.js'

/** All that is shown while the demo runs. */
export interface View {
  readonly phase: 'working' | 'checking' | 'checked'
  readonly elapsedMs: number
  readonly totalMs: number
  readonly processes: number
  readonly directory: string
  readonly sampleCount: number
  readonly sampleBytes: number
  readonly members: readonly Pick<Member, 'slot' | 'pid' | 'state' | 'tally' | 'file' | 'rate'>[]
}

/** A number with its thousands marked. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Seconds, to a tenth. */
export function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1)
}
