/** The C programs that are measured, made when they are needed. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PACKAGE_PATH } from './package.js'
import { Unavailable } from './unavailable.js'

/** Compiles `bench/NAME.c` into a directory unless it is there, and gives its path. */
export async function compiled(name: string, directory: string): Promise<string> {
  const path = join(directory, name)
  if (existsSync(path)) return path
  try {
    const source = join(PACKAGE_PATH, 'bench', `${name}.c`)
    await promisify(execFile)('cc', ['-O2', '-o', path, source])
  } catch (error) {
    throw new Unavailable('there is no C compiler that makes the program', { cause: error })
  }
  return path
}
