import type { Facts } from './facts.js'
import { fileSystemOf } from './file-system.js'
import * as abilities from './findings/abilities.js'
import * as condition from './findings/condition.js'
import * as place from './findings/place.js'
import { promisesOf } from './findings/promises.js'
import { visibilityCheck } from './findings/visibility.js'
import { valueOf } from './outcome.js'
import type { Check, KeptPromise, Report, Verdict } from './report.js'

/** Judges facts. It asks nobody and nothing, so the same facts always give the same report. */
export function judge(facts: Facts): Report {
  const system = fileSystemOf(facts.mount, valueOf(facts.space)?.type)
  const checks = [
    place.responseCheck(facts),
    place.fileSystemCheck(facts, system),
    place.storeCheck(facts),
    place.accessCheck(facts),
    abilities.hardLinksCheck(facts, system),
    abilities.otherUsersCheck(facts),
    abilities.oneVolumeCheck(facts),
    abilities.writeIfAbsentCheck(facts),
    abilities.flushCheck(facts),
    visibilityCheck(facts, system),
    condition.clockCheck(facts),
    condition.spaceCheck(facts),
    condition.leftoversCheck(facts),
  ]
  const promises = promisesOf(facts, system)
  const verdict = verdictOf(checks, promises)
  const { directory } = facts
  return { version: 1, verdict, directory, fileSystem: system, checks, promises, facts }
}

function verdictOf(checks: readonly Check[], promises: readonly KeptPromise[]): Verdict {
  if (checks.some(({ grade }) => grade === 'bad')) return 'unfit'
  const isWeak = checks.some(({ grade }) => grade === 'weak')
  return isWeak || promises.some(({ verdict }) => verdict === 'fails') ? 'limited' : 'fit'
}
