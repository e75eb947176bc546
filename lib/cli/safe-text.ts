/**
 * Control characters, and the invisible ones that reorder, join or break text: none of them may
 * reach a terminal out of a key, a path or a message.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const UNSAFE_OR_BACKSLASH = /[\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Text for one line on a terminal: what could do harm there is escaped, the rest is as it is. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, escaped)
}

/** A key on one line, as it would stand in a JSON string, but for the quotes. */
export function keyText(key: string): string {
  return key.replace(UNSAFE_OR_BACKSLASH, escaped)
}

/** A key within a sentence. */
export function quoted(key: string): string {
  return `"${keyText(key)}"`
}

/** JSON that is harmless on a terminal, and the same to whoever parses it. */
export function safeJson(value: unknown): string {
  return safeText(JSON.stringify(value))
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1)
  if (short !== character) return short
  let text = ''
  for (let i = 0; i < character.length; i += 1) {
    text += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  }
  return text
}
