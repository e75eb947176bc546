/** Where numbers lie on an axis. */

/** Above this the small ones would not be seen on an even scale. */
const MOST_TIMES_ON_EVEN_SCALE = 20
const STEPS = [1, 2, 5, 10]

export interface Scale {
  readonly isLogarithmic: boolean
  readonly ticks: readonly number[]
  /** From 0 to 1. */
  placeOf(number: number): number
}

/** One that has room for all numbers; an even one begins at 0. */
export function scaleOf(numbers: readonly number[], mostTicks: number): Scale {
  const positive = numbers.filter((number) => number > 0)
  const least = Math.min(...positive)
  const most = Math.max(...positive)
  if (most / least > MOST_TIMES_ON_EVEN_SCALE) return logarithmicScale(least, most, mostTicks)
  return evenScale(most, mostTicks)
}

function evenScale(most: number, mostTicks: number): Scale {
  const step = roundNumberFrom(most / Math.max(1, mostTicks - 1))
  const count = Math.ceil(most / step - 1e-9)
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step)
  return { isLogarithmic: false, ticks, placeOf: (number) => number / (count * step) }
}

/** It begins a little below the least, whose bar would have no length otherwise. */
function logarithmicScale(least: number, most: number, mostTicks: number): Scale {
  const from = roundNumberBelow(least / 1.25)
  const to = roundNumberFrom(most)
  const ticks = logarithmicTicks(from, to, mostTicks)
  return { isLogarithmic: true, ticks, placeOf: logarithmicPlaces(from, to) }
}

/** From 0 at one number to 1 at another. */
export function logarithmicPlaces(from: number, to: number): Scale['placeOf'] {
  return (number) => Math.max(0, Math.log(number / from) / Math.log(to / from))
}

/** The closest ticks that there is room for. */
function logarithmicTicks(from: number, to: number, mostTicks: number): number[] {
  const first = Math.floor(Math.log10(from))
  const last = Math.ceil(Math.log10(to))
  const powers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const isInside = (number: number): boolean => number >= from * 0.999 && number <= to * 1.001
  const candidates = [
    powers.flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power)),
    ...[1, 2, 3, 4, 6].map((every) =>
      powers.filter((power) => power % every === 0).map((power) => 10 ** power),
    ),
  ].map((ticks) => ticks.filter(isInside))
  return candidates.find((ticks) => ticks.length <= mostTicks) ?? []
}

function roundNumberFrom(number: number): number {
  const power = 10 ** Math.floor(Math.log10(number))
  const step = STEPS.find((each) => each * power >= number * 0.9999)
  return (step ?? 10) * power
}

function roundNumberBelow(number: number): number {
  const power = 10 ** Math.floor(Math.log10(number))
  const step = STEPS.findLast((each) => each * power <= number * 1.0001)
  return (step ?? 1) * power
}
