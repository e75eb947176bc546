/** What lies deeper is one part: a key can be nothing but separators, thousands of them. */
const MAX_DEPTH = 64

/** A key cut behind each separator; the parts, joined, are the key. */
export function* partsOf(key: string, separator: string): Generator<string> {
  let start = 0
  for (let depth = 1; depth < MAX_DEPTH; depth += 1) {
    const at = key.indexOf(separator, start)
    if (at === -1) break
    const end = at + separator.length
    yield key.slice(start, end)
    start = end
  }
  if (start < key.length || start === 0) yield key.slice(start)
}
