import { spreadOf, type Group } from '../results.js'

/** Three digits that mean something, or all before the point. */
export function inDigits(number: number): string {
  const size = Math.abs(number)
  if (size >= 99.95) return Math.round(number).toLocaleString('en-US')
  if (size >= 9.995) return number.toFixed(1)
  if (size >= 0.095 || size === 0) return number.toFixed(2)
  return Number(number.toPrecision(2)).toString()
}

/** The median, and the middle half in brackets. */
export function spreadInWords(
  numbers: readonly number[],
  inWords: (number: number) => string = inDigits,
): string {
  const { median, lowerQuartile, upperQuartile } = spreadOf(numbers)
  return `${inWords(median)} (${inWords(lowerQuartile)} to ${inWords(upperQuartile)})`
}

/** Each unit and how many of the one before it make it. */
const LARGER: Readonly<Record<Group['unit'], readonly [unit: string, times: number][]>> = {
  'µs per call': [
    ['µs', 1],
    ['ms', 1000],
    ['s', 1000],
  ],
  ms: [
    ['ms', 1],
    ['s', 1000],
  ],
  MiB: [
    ['MiB', 1],
    ['GiB', 1024],
  ],
  'KiB of code': [
    ['KiB', 1],
    ['MiB', 1024],
  ],
}

/** A figure in the unit that keeps it short. */
export function withUnit(figure: number, unit: Group['unit']): string {
  let words = ''
  let rest = figure
  for (const [name, times] of LARGER[unit]) {
    if (words !== '' && rest < times) break
    rest /= times
    words = `${inDigits(rest)} ${name}`
  }
  return words
}
