import type { Command } from 'commander'
import { examples } from './options.js'
import { print } from './output.js'

/** Shells that there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const HELP =
  `
Prints a script for the shell, which completes commands, options, keys, and names of files. Load it
where the shell starts, or put it where the shell looks for such scripts. Keys are those of the
store that -d or LINKSTORE_DIR names; a store that does not answer within two seconds has none.
` +
  examples(
    'source <(linkstore completion bash)',
    'source <(linkstore completion zsh)',
    'linkstore completion fish > ~/.config/fish/completions/linkstore.fish',
  )

/** `completion SHELL`: prints what makes a shell complete the words of this command. */
export function configure(command: Command): void {
  command.registeredArguments[0]?.choices(SHELLS)
  command.addHelpText('after', HELP).action(async (shell: Shell) => {
    const { SCRIPTS } = await import('./completion/scripts.js')
    print(SCRIPTS[shell])
  })
}
