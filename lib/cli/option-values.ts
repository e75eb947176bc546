import { InvalidArgumentError } from 'commander'

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60 * 1000,
  h: 60 * 60 * 1000,
  d: 24 * 60 * 60 * 1000,
}

/** A duration such as `500ms`, `30s`, `10m`, `2h` or `7d`, in milliseconds. */
export function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  if (unitMs !== undefined) return Number(number) * unitMs
  throw new InvalidArgumentError('A duration is a number and a unit: 500ms, 30s, 10m, 2h or 7d.')
}

/** One `NAME=VALUE` more of the metadata. */
export function collectMetadata(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at > 0) return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
  throw new InvalidArgumentError('Metadata is a name, an equals sign and a value: color=blue.')
}

/** A share of the work: part `index`, counted from 1, of `of` parts. */
export interface Part {
  readonly index: number
  readonly of: number
}

/** A part such as `2/4`. */
export function parsePart(text: string): Part {
  const [, index = 0, of = 0] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []).map(Number)
  if (index >= 1 && index <= of) return { index, of }
  throw new InvalidArgumentError('A part is a number and of how many: 1/4, 2/4, 3/4 or 4/4.')
}

/** A number that is not negative, such as `8` or `2.5`. */
export function parseNumber(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number, such as 8 or 2.5.')
}

const UNITS_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** A size such as `1000`, `500MB` or `2GiB`, in bytes. */
export function parseBytes(text: string): number {
  const [, number = '', unit = '-'] = /^(\d+(?:\.\d+)?)([kKMGT]?i?B|)$/.exec(text) ?? []
  const unitBytes = UNITS_BYTES[unit]
  if (unitBytes !== undefined) return Number(number) * unitBytes
  throw new InvalidArgumentError('A size is a number and a unit: 1000, 500MB, 10GB or 2GiB.')
}

/** A whole number such as `1000`. */
export function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number, such as 8.')
}

/** Any text but none. */
export function parseText(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('It must not be empty.')
}
