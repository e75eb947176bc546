import { counted, sized } from '../figures.js'
import { safeJson } from '../safe-text.js'
import type { Session } from '../session.js'
import { writeStdout } from '../stdout.js'
import type { Tally } from './tally.js'

/** Says at the end of an import or export what was done: to people, or to a machine. */
export async function report(
  session: Session,
  verb: string,
  tally: Tally,
  startedAtMs: number,
  json: boolean,
): Promise<void> {
  const seconds = (Date.now() - startedAtMs) / 1000
  const { files, links, directories, bytes, unchanged, expired, skipped } = tally
  if (json) {
    const counts = { files, links, directories, bytes, unchanged, expired }
    const line = safeJson({ ...counts, skipped, seconds })
    await writeStdout(Buffer.from(`${line}\n`), session.signal)
  }
  const parts = [counted(files, 'file')]
  if (links > 0) parts.push(counted(links, 'symbolic link'))
  if (directories > 0) parts.push(counted(directories, 'empty directory', 'empty directories'))
  const same = unchanged > 0 ? `; ${unchanged.toLocaleString('en')} unchanged` : ''
  const old = expired > 0 ? `; left out ${counted(expired, 'object')} past their time` : ''
  const left = skipped.length > 0 ? `; skipped ${skipped.length}, as named above` : ''
  const size = `${sized(bytes)} in ${seconds.toFixed(1)} s`
  session.note(`${verb} ${parts.join(', ')}, ${size}${same}${old}${left}`)
}
