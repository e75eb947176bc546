const FULL = '█'
/** Eighths of a column, from none to seven. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** How a terminal is drawn on. */
export interface Pen {
  /** A bar for a share from 0 to 1; what is not nothing can be seen. */
  readonly bar: (share: number, columns: number) => string
  /** What stands before a name in a tree: of the last one, of others; and below these. */
  readonly branch: Readonly<Record<'last' | 'other' | 'belowLast' | 'belowOther', string>>
}

/** Lines and blocks where the locale is UTF-8; else what every terminal has. */
export function penOf(environment: NodeJS.ProcessEnv): Pen {
  return isUnicode(environment) ? UNICODE : ASCII
}

const UNICODE: Pen = {
  bar: (share, columns) => {
    const eighths = Math.round(share * columns * 8)
    const least = share > 0 ? Math.max(1, eighths) : 0
    return FULL.repeat(Math.floor(least / 8)) + (EIGHTHS[least % 8] ?? '')
  },
  branch: { last: '└── ', other: '├── ', belowLast: '    ', belowOther: '│   ' },
}

const ASCII: Pen = {
  bar: (share, columns) => '#'.repeat(share > 0 ? Math.max(1, Math.round(share * columns)) : 0),
  branch: { last: '`-- ', other: '|-- ', belowLast: '    ', belowOther: '|   ' },
}

function isUnicode({ LC_ALL, LC_CTYPE, LANG, TERM }: NodeJS.ProcessEnv): boolean {
  // The first one that is not empty counts, as in the C library.
  const locale = [LC_ALL, LC_CTYPE, LANG].find((text) => text !== undefined && text !== '')
  return TERM !== 'dumb' && /utf-?8/i.test(locale ?? '')
}
