import type { Facts } from '../facts.js'
import type { FileSystem } from '../file-system.js'
import { failedWith, valueOf, whyNot, type Outcome } from '../outcome.js'
import type { Check, Grade } from '../report.js'
import { numbered } from './words.js'

/** With fewer, reads that happen at the same time on many hosts run out of links. */
const FEW_LINKS = 1000
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']
const NO_FLUSH = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EBADF']

/** How bad it is that a probe has no value, when it must have one. */
function gradeOf({ kind }: Outcome<unknown>): Grade {
  return kind === 'failed' ? 'bad' : kind === 'silent' ? 'weak' : 'unknown'
}

/** Whether there are hard links, and how many a file. */
export function hardLinksCheck({ link, linkCount }: Facts, { service }: FileSystem): Check {
  const id = 'hardLinks'
  if (link.kind !== 'found') {
    const hasNone = failedWith(link, ...NO_LINKS)
    const summary = hasNone ? `there are none: ${whyNot(link)}` : whyNot(link)
    const advice = 'A store needs hard links: use another kind of volume.'
    return { id, grade: gradeOf(link), summary, advice: hasNone ? advice : undefined }
  }
  const byOpen = 'where they run out, reads open the file itself'
  if (service?.maxLinks !== undefined) {
    const summary = `${service.name} allows ${service.maxLinks} names a file; ${byOpen}`
    return { id, grade: 'note', summary }
  }
  const found = valueOf(linkCount)
  if (found === undefined) return { id, grade: 'good', summary: 'they work; the limit is unknown' }
  const { names, isLimit } = found
  if (!isLimit) return { id, grade: 'good', summary: `at least ${numbered(names)} names a file` }
  const grade = names < FEW_LINKS ? 'note' : 'good'
  return { id, grade, summary: `at most ${numbered(names)} names a file; ${byOpen}` }
}

/** What users with different ids do to each other. */
export function otherUsersCheck({ otherUser }: Facts): Check {
  const id = 'otherUsers'
  const found = valueOf(otherUser)
  if (found === undefined) return { id, grade: 'unknown', summary: whyNot(otherUser) }
  const { isProtected, attempt } = found
  const tried = attempt === undefined ? '' : ', as tried here'
  if (attempt === 'linked' || (isProtected === false && attempt === undefined)) {
    return { id, grade: 'good', summary: `a user may link what another one has written${tried}` }
  }
  if (isProtected === undefined) {
    return { id, grade: 'unknown', summary: 'this system does not say (fs.protected_hardlinks)' }
  }
  return {
    id,
    grade: 'note',
    summary:
      'users with different ids cannot link each other’s files unless they may write to them ' +
      `(fs.protected_hardlinks=1${tried}); their reads open the file itself and lose nothing`,
    advice:
      'Where pods run under different runAsUser, a common group with fileMode 0o660 and dirMode ' +
      '0o2770 makes reads pin their version again.',
  }
}

/** Whether what is written privately can be published everywhere in the store. */
export function oneVolumeCheck({ rename, apart, mountsBelow }: Facts): Check {
  const id = 'oneVolume'
  const advice =
    'The whole store must lie in one mount: do not mount directories of it one by one, and give ' +
    'them one project quota.'
  if (failedWith(rename, 'EXDEV')) {
    const summary = 'a file cannot be renamed from one directory of it to another (EXDEV)'
    return { id, grade: 'bad', summary, advice }
  }
  if (rename.kind !== 'found') return { id, grade: gradeOf(rename), summary: whyNot(rename) }
  const [first, ...others] = new Set([...mountsBelow, ...(valueOf(apart) ?? [])])
  if (first === undefined) {
    return { id, grade: 'good', summary: 'files can be renamed and linked between its directories' }
  }
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  return {
    id,
    grade: 'bad',
    summary: `${first}${more} is a mount of its own inside it; writes into it fail with EXDEV`,
    advice,
  }
}

/** Whether of many writers one wins. */
export function writeIfAbsentCheck({ exclusion }: Facts): Check {
  const id = 'writeIfAbsent'
  switch (valueOf(exclusion)) {
    case undefined:
      return { id, grade: gradeOf(exclusion), summary: whyNot(exclusion) }
    case 'EEXIST':
      return { id, grade: 'good', summary: 'a link to a name that is taken is refused (EEXIST)' }
    case 'linked':
    case 'replaced':
      return {
        id,
        grade: 'bad',
        summary: 'a link to a name that is taken succeeds: two writers could both win',
        advice: 'Do not use this file system for a store.',
      }
  }
}

/** Whether what is written can be made to survive a power cut. */
export function flushCheck({ fileFlush, directoryFlush, latency }: Facts): Check {
  const id = 'flush'
  if (fileFlush.kind !== 'found') {
    return { id, grade: gradeOf(fileFlush), summary: `of a file: ${whyNot(fileFlush)}` }
  }
  if (failedWith(directoryFlush, ...NO_FLUSH)) {
    const summary = `files can be flushed, directories not: ${whyNot(directoryFlush)}`
    return { id, grade: 'note', summary }
  }
  if (directoryFlush.kind !== 'found') {
    const summary = `of a directory: ${whyNot(directoryFlush)}`
    return { id, grade: gradeOf(directoryFlush), summary }
  }
  const medianMs = valueOf(latency)?.flush
  const time = medianMs === undefined ? '' : `, ${medianMs.toFixed(2)} ms each`
  return { id, grade: 'good', summary: `files and directories can be flushed${time}` }
}
