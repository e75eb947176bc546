/** What the command ends with, in the words of the help and of the manual. */
export const STATUSES: readonly (readonly [status: string, meaning: string])[] = [
  ['0', 'done'],
  ['1', 'no such object, or there is one already, or somebody else was faster'],
  ['2', 'wrong usage'],
  ['3', 'the store or the system failed'],
]

/** What else it may end with. */
export const MORE_STATUSES: typeof STATUSES = [
  ['126', 'the command that lock or queue run is to run cannot be run'],
  ['127', 'there is no such command'],
  ['130', 'interrupted by SIGINT, and cleaned up'],
  ['141', 'whoever read the output went away'],
  ['143', 'interrupted by SIGTERM, and cleaned up'],
]
