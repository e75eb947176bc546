import { decodeFooter, FooterProblem, measureFooter } from '../../lib/format/footer.js'
import { hashKey, splitHash } from '../../lib/key.js'
import type { FileSystem } from './file-system.js'
import type { Process } from './process.js'
import type { World } from './world.js'

/**
 * What a sweep does to the private names of a process that has been silent for too long: they
 * are removed, and so is their directory; a live object that was put aside goes back to its
 * place, if there is none newer. The process may be alive, and wake later.
 */
export function sweepInstance({ fileSystem }: World, { context }: Process): void {
  const path = context?.instance?.path
  const directory = path === undefined ? undefined : fileSystem.resolve(path)
  if (path === undefined || directory === undefined) return
  for (const [name, inode] of [...fileSystem.inode(directory).names]) {
    if (name.endsWith('.live')) putBack(fileSystem, inode)
    if (fileSystem.inode(inode).kind === 'directory') fileSystem.rmdir(directory, name)
    else fileSystem.unlink(directory, name)
  }
  const end = path.lastIndexOf('/')
  fileSystem.rmdir(fileSystem.resolve(path.slice(0, end)) as number, path.slice(end + 1))
}

function putBack(fileSystem: FileSystem, inode: number): void {
  const { content } = fileSystem.inode(inode)
  const length = measureFooter(content, content.length)
  if (length instanceof FooterProblem) return
  const footer = decodeFooter(content.subarray(-length), content.length)
  if (footer instanceof FooterProblem) return
  const [outer, inner, name] = splitHash(hashKey(footer.key))
  const shard = fileSystem.resolve(`/s/${outer}/${inner}`)
  if (shard === undefined || fileSystem.lookup(shard, name) !== undefined) return
  fileSystem.link(inode, shard, name)
}
