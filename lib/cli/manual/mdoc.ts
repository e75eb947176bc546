/** Text in the language of manuals, mdoc(7). */

/** As much as fits into a line, with the blank behind it. */
const LINE = /(.{1,78})(?:\s+|$)/g

/** What would be printed as another, nicer character, and could not be copied into a shell. */
const SAME: Readonly<Record<string, string>> = {
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
}

/** Text that stands for itself; no line of it is taken for a macro. */
export function text(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replace(/^(?=\.)/gm, '\\&')
    .replace(/(?<=^|[\s"'(=])-+(?=\S)/gm, (dashes) => '\\-'.repeat(dashes.length))
    .replace(/['`^~]/g, (one) => SAME[one] ?? one)
    .replace(/[^\0-\x7f]/gu, (one) => `\\[u${hexOf(one)}]`)
}

/** Prose as lines that are not too long; a sentence begins a line. */
export function filled(prose: string): string {
  const sentences = prose.split(/(?<=\.) (?=\S)/)
  return text(sentences.map((one) => one.replace(LINE, '$1\n').trimEnd()).join('\n'))
}

function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}

/** A word behind a macro, which takes some words for other macros, and cuts at blanks. */
export function word(plain: string): string {
  return `"${text(plain).replaceAll('"', '""')}"`
}

/** Paragraphs; a sentence begins a line. Lines that are indented stay as they are. */
export function* paragraphs(plain: string): Generator<string> {
  if (plain.trim() === '') return
  for (const paragraph of plain.trim().split(/\n{2,}/)) {
    yield '.Pp'
    yield* paragraphLines(paragraph.split('\n'))
  }
}

function* paragraphLines(lines: readonly string[]): Generator<string> {
  const isShown = (line: string): boolean => line.startsWith('  ')
  const prose = lines.filter((line) => !isShown(line)).join(' ')
  if (prose !== '') yield filled(prose)
  const shown = lines.filter(isShown)
  if (shown.length > 0) yield* display(shown.map((line) => line.slice(2)))
}

/** Lines as they are. */
export function* display(lines: readonly string[]): Generator<string> {
  yield '.Bd -literal -offset indent'
  for (const line of lines) yield text(line)
  yield '.Ed'
}

/** A list of terms, each a line of macros, and what they mean. */
export function* list(
  items: Iterable<readonly [term: string, meaning: string]>,
): Generator<string> {
  yield '.Bl -tag -width indent'
  for (const [term, meaning] of items) {
    yield `.It ${term}`
    yield filled(meaning)
  }
  yield '.El'
}

/** What commander calls a usage: `[options] <key> [value]`, `<name> -- <command...>`. */
export function usageMacros(usage: string): string {
  return usage
    .split(' ')
    .map((part) => {
      const [, open = '', name = '', dots = ''] = /^([[<])(.*?)(\.\.\.)?[\]>]$/.exec(part) ?? []
      if (open === '') return part === '--' ? 'Fl -' : word(part)
      const argument = `Ar ${name}${dots === '' ? '' : ' ...'}`
      return open === '[' ? `Oo ${argument} Oc` : argument
    })
    .join(' ')
}

/** What commander calls flags: `-l, --long`, `--sort <field>`. */
export function flagMacros(flags: string): string {
  return flags
    .split(/,? /)
    .map((part) => (part.startsWith('-') ? `Fl ${part.slice(1)}` : usageMacros(part)))
    .join(' ')
    .replace(/^(Fl \w) Fl/, '$1 , Fl')
}
