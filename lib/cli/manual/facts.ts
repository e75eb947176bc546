/** What the manual says beside what the commands say of themselves. */

type Facts = readonly (readonly [term: string, meaning: string])[]

export const ENVIRONMENT: Facts = [
  ['LINKSTORE_DIR', 'the store, where no -d names one'],
  ['LINKSTORE_COMPLETION_TIMEOUT', 'how long completion looks for keys; default: 2s'],
  ['LINKSTORE_LEASE_NAME', 'for the command that lock runs: the lease it holds'],
  ['LINKSTORE_LEASE_TOKEN', 'for the same: a number larger than that of any holder before'],
  ['LINKSTORE_JOB_ID', 'for the command that queue run runs: the job'],
  ['LINKSTORE_JOB_ATTEMPT', 'for the same: 1 when the job is tried for the first time'],
  ['NO_COLOR', 'no colours, if it is not empty'],
  ['LC_ALL, LC_CTYPE, LANG', 'whether trees and bars are drawn in Unicode or in ASCII'],
  ['TERM', 'neither colours nor Unicode, if it is dumb'],
]

export const FILES: Facts = [
  ['DIR/linkstore.json', 'says that the directory is a store, and of which format'],
  ['DIR/.tmp', 'what processes are just doing; a sweep removes what dead ones have left'],
  ['DIR/.quarantine', 'what verify --quarantine has moved away'],
]

export const SEE_ALSO =
  'docs/cli.md, docs/errors.md, docs/guarantees.md and docs/file-systems.md in the package.'
