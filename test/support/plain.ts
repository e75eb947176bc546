/**
 * A command line without what tap adds to whatever is spawned. Its loader takes longer to load
 * than a command of ours to run, needs descriptors, and cannot be read by other users; and those
 * who use the package have none.
 */
export function plain(words: readonly string[]): [file: string, words: string[]] {
  return ['env', ['-u', 'NODE_OPTIONS', ...words]]
}
