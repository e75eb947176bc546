/** Whether the short selection was asked for: what a change can be tried with in some minutes. */
export const IS_SHORT = process.env['LINKSTORE_LAB'] === 'short'
/** Whether locks of NFS are measured, too; the guest's server then gives delegations as well. */
export const WITH_FLOCK = process.env['LINKSTORE_LAB'] === 'flock'

/** Tells whoever waits how far a long test is. */
export function tellProgress(text: string): void {
  process.stderr.write(`lab: ${text}\n`)
}
