import { homedir } from 'node:os'

/** The word at the cursor. */
export interface LastWord {
  /** What it means so far. */
  readonly text: string
  /** What bash is to be told to complete it to a text; nothing where that cannot be said. */
  readonly reply: (text: string) => string[]
}

const OPERATORS = '|&;()<>\n'
/** What may mean something else than itself in a word of bash. */
const SPECIAL = /[^\w%+,./:=@\u0080-\uffff-]/g

/**
 * The words of a line of bash behind the name of the command, and the last one, up to the cursor.
 * Nothing is run or looked up. `breaks` divide words for bash, but for no command.
 */
export function lexed(line: string, breaks: string): { words: string[]; last: LastWord } {
  let words: string[] = []
  let word = new OpenWord()
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at)
    const isBare = word.quote === ''
    if (isBare && character === '\\') {
      at += 1
      word.add(line.charAt(at))
    } else if (word.quote === '"' && /^\\[\\"$`]/.test(line.slice(at))) {
      at += 1
      word.add(line.charAt(at))
    } else if (character === word.quote) word.quote = ''
    else if (isBare && (character === '"' || character === "'")) word.begin(character)
    else if (isBare && /\s/.test(character)) {
      if (word.isBegun) words.push(word.text)
      word = new OpenWord()
    } else if (isBare && OPERATORS.includes(character)) {
      // Another command begins.
      words = []
      word = new OpenWord()
    } else {
      word.add(character)
      if (isBare && breaks.includes(character)) word.brokenAt = word.text.length
    }
  }
  while (/^\w+=/.test(words[0] ?? '')) words.shift()
  return { words: words.slice(1), last: word }
}

class OpenWord implements LastWord {
  text = ''
  isBegun = false
  /** The quote that is open. */
  quote = ''
  /** Bash replaces what is behind this only. */
  brokenAt = 0
  #quotedAt = 0

  add(character: string): void {
    this.text += character
    this.isBegun = true
  }

  begin(quote: string): void {
    this.quote = quote
    this.isBegun = true
    this.#quotedAt = this.text.length
  }

  reply(text: string): string[] {
    const rest = text.slice(this.brokenAt)
    if (this.quote === '') return [escaped(rest)]
    // What is before the quote bash takes for a part of the word, too; and its quotes hide little.
    if (this.#quotedAt > 0 || text.includes("'") || /["\\$`!]/.test(text)) return []
    return [rest]
  }
}

function escaped(text: string): string {
  return text === '' ? "''" : text.replace(SPECIAL, '\\$&')
}

/** The directory that a word names, as a shell would read it. */
export function expanded(word: string): string {
  return word
    .replace(/^~(?=\/|$)/, homedir())
    .replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, plain?: string, braced?: string) => {
      return process.env[plain ?? braced ?? ''] ?? ''
    })
}
