/**
 * Removing names, each by one call. That a name is not there any more is no error here: another
 * process may have removed it, or NFS lost the reply of the call that did. It is no proof either.
 */
import { constants } from 'node:os'
import { isErrno } from '../errors.js'
import { rmdir, unlink, type Operation } from '../drivers/effects.js'
import { looksAbsent } from './absence.js'

const { errno } = constants

/** Removes a name; says whether it was there. */
export function* removeFile(path: string): Operation<boolean> {
  try {
    yield* unlink(path)
    return true
  } catch (error) {
    if (looksAbsent(error)) return false
    throw error
  }
}

/**
 * Removes an empty directory; one with entries stays, and one that is a mount point. Says
 * whether it did.
 */
export function* removeDirectory(path: string): Operation<boolean> {
  try {
    yield* rmdir(path)
    return true
  } catch (error) {
    const { ENOTEMPTY, EEXIST, ENOTDIR, EBUSY } = errno
    if (looksAbsent(error) || isErrno(error, ENOTEMPTY, EEXIST, ENOTDIR, EBUSY)) return false
    throw error
  }
}
