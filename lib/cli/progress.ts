import type { Progress } from '../../index.js'
import { ProgressBar } from './progress-bar.js'
import type { Session } from './session.js'

/** Shows how far work on a whole store has come; gives what the store is to call. */
export function showProgress(session: Session, label: string): (progress: Progress) => void {
  const bar = new ProgressBar(label)
  session.show(bar)
  return ({ fraction, objects }) => {
    bar.update(fraction, objects.toLocaleString('en'), { objects })
  }
}
