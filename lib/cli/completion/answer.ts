import { buildProgram } from '../program.js'
import type { Shell } from '../completion.js'
import type { Session } from '../session.js'
import { lexed, type LastWord } from './bash-line.js'
import { keysBeginning } from './keys.js'
import { wantedAt, type Candidate } from './wanted.js'

/** Candidates are lines of text; the shells could not tell others apart. */
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}]/u

/** What a shell's script is answered: what is wanted, and each word that fits there. */
export async function answerTo(
  shell: Shell,
  given: readonly string[],
  session: Session,
): Promise<string[]> {
  if (shell === 'bash') {
    const [line = '', breaks = ''] = given
    const { words, last } = lexed(line, breaks)
    const [kind = '', ...candidates] = await answer([...words, last.text], session)
    const replies = candidates.flatMap((text) => last.reply(text.split('\t')[0] ?? ''))
    return [kind, ...replies]
  }
  // Fish gives the last word as it was typed, which may have a quote at its beginning.
  const last: LastWord = lexed(given.at(-1) ?? '', '').last
  const typed = shell === 'fish' ? last.text : (given.at(-1) ?? '')
  return await answer([...given.slice(0, -1), typed], session)
}

async function answer(words: readonly string[], session: Session): Promise<string[]> {
  const program = await buildProgram(session, words)
  const current = words.at(-1) ?? ''
  const wanted = wantedAt(program, words.slice(0, -1), current)
  if (wanted.kind === 'words') return ['words', ...linesOf(wanted.candidates, current)]
  if (wanted.kind === 'keys') return ['words', ...linesOf(await keysBeginning(wanted), current)]
  return [wanted.kind]
}

function linesOf(candidates: readonly Candidate[], current: string): string[] {
  const isFit = ({ text }: Candidate): boolean =>
    text !== '' && text.startsWith(current) && !UNFIT.test(text)
  return candidates.filter(isFit).map(({ text, description }) => `${text}\t${description}`)
}
