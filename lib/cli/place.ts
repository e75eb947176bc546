import { fileURLToPath } from 'node:url'

/** Whether a store is named by an URL: any other text is a directory, with colons in it or not. */
export function isUrl(place: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/|(?:file|memory|s3):)/i.test(place)
}

/** The directory that a store is; undefined if it is none. */
export function pathOf(place: string): string | undefined {
  if (!isUrl(place)) return place
  if (!/^file:\/\/\//i.test(place) || !URL.canParse(place)) return undefined
  return fileURLToPath(`file://${new URL(place).pathname}`)
}
