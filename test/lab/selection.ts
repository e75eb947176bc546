/** Whether the short selection was asked for: what a change can be tried with in some minutes. */
export const IS_SHORT = process.env['LINKSTORE_LAB'] === 'short'

/** Tells whoever waits how far a long test is. */
export function tellProgress(text: string): void {
  process.stderr.write(`lab: ${text}\n`)
}
