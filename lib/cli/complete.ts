import type { Command } from 'commander'
import { SHELLS, type Shell } from './completion.js'
import { examples } from './options.js'
import { print } from './output.js'
import type { Session } from './session.js'

const HELP = examples('linkstore complete zsh -- get user:')

/**
 * `complete SHELL -- WORDS`: what the scripts of `completion` ask. The words are those behind the
 * command, up to the one that is to be completed; for bash, a line and what divides its words.
 */
export function configure(command: Command, session: Session): void {
  command.registeredArguments[0]?.choices(SHELLS)
  command.addHelpText('after', HELP).action(async (shell: Shell, words: string[]) => {
    const { answerTo } = await import('./completion/answer.js')
    print((await answerTo(shell, words, session)).map((line) => `${line}\n`).join(''))
  })
}
