/**
 * The NFS client that the simulation stands on, by itself: what two hosts of it believe. That real
 * ones are like this is what the lab measures.
 */
import t from 'tap'
import { FileSystem } from './file-system.js'
import { Host } from './host.js'
import type { LookupCache } from './nfs.js'

interface Pair {
  readonly fileSystem: FileSystem
  /** The host whose beliefs are looked at. */
  readonly a: Host
  /** The host that changes things meanwhile. */
  readonly b: Host
}

/** Two hosts of one server, which has a file `f` and a directory `d` that `a` has looked into. */
function twoHosts(version: 3 | 4, lookupCache?: LookupCache): Pair {
  const fileSystem = new FileSystem()
  const a = new Host(fileSystem, version, lookupCache)
  const b = new Host(fileSystem, version)
  b.put('f', 'v')
  b.ask('mkdir', 'd')
  a.revalidate('d')
  return { fileSystem, a, b }
}

/** Stops the server's clock, after a last tick and a change that `a` learns of. */
function stopClock({ fileSystem, a, b }: Pair): void {
  fileSystem.ticksByItself = false
  fileSystem.clock += 1
  b.ask('link', 'f', 'd/x')
  a.revalidate('d')
}

function namesOnServer({ fileSystem }: Pair): string {
  const directory = fileSystem.resolve('/s/d') ?? fileSystem.root
  return [...fileSystem.inode(directory).names.keys()].sort().join()
}

const VERSIONS = [4, 3] as const

for (const version of VERSIONS) {
  await t.test(
    `NFS ${version}: a name once missed is missed until its directory is opened`,
    async (t) => {
      const { a, b } = twoHosts(version)
      t.equal(a.get('d/k'), 'ENOENT')
      b.put('d/k', 'old')
      t.equal(b.get('d/k'), 'old')
      t.equal(a.get('d/k'), 'ENOENT', 'it is remembered')
      t.equal(a.ask('unlink', 'd/k'), 'ENOENT', 'also by what would change it')
      t.equal(a.ask('rename', 'd/k', 'd/l'), 'ENOENT')
      t.equal(a.revalidate('d'), undefined)
      t.equal(a.get('d/k'), 'old')
    },
  )

  await t.test(
    `NFS ${version}: a name once found stands for the same file until then`,
    async (t) => {
      const { a, b } = twoHosts(version)
      b.put('d/k', 'old')
      t.equal(a.get('d/k'), 'old')
      b.ask('link', 'd/k', 'pin')
      b.put('d/k', 'new')
      t.equal(a.get('d/k'), 'old', 'the link keeps it')
      a.revalidate('d')
      t.equal(a.get('d/k'), 'new')
      b.ask('link', 'd/k', 'another')
      b.ask('unlink', 'd/k')
      t.equal(a.get('d/k'), 'new')
      a.revalidate('d')
      t.equal(a.get('d/k'), 'ENOENT')
    },
  )

  await t.test(`NFS ${version}: names of directories are remembered as well`, async (t) => {
    const { a, b } = twoHosts(version)
    t.equal(a.get('d/e/k'), 'ENOENT')
    b.ask('mkdir', 'd/e')
    b.put('d/e/k', 'v')
    t.equal(a.revalidate('d/e'), 'ENOENT', 'it cannot even be opened')
    t.equal(a.get('d/e/k'), 'ENOENT')
    a.revalidate('d')
    t.equal(a.get('d/e/k'), 'v', 'one level up helps')
    b.ask('unlink', 'd/e/k')
    b.ask('rmdir', 'd/e')
    b.ask('mkdir', 'd/e')
    b.put('d/e/l', 'w')
    t.equal(a.get('d/e/l'), 'w', 'what leads through a removed directory is looked up again')
  })

  await t.test(
    `NFS ${version}: a host's own changes tell it that others have changed something`,
    async (t) => {
      const { a, b } = twoHosts(version)
      t.equal(a.get('d/k'), 'ENOENT')
      a.put('d/l', 'l')
      b.put('d/k', 'v')
      t.equal(a.get('d/k'), 'ENOENT')
      a.put('d/m', 'm')
      t.equal(a.get('d/k'), 'v')
    },
  )

  await t.test(`NFS ${version}: a host's own changes alone make it forget nothing`, async (t) => {
    const { fileSystem, a } = twoHosts(version)
    t.equal(a.get('d/k'), 'ENOENT')
    a.put('d/l', 'l')
    const directory = fileSystem.resolve('/s/d') ?? 0
    // Nobody was told of this.
    fileSystem.inode(directory).names.set('k', fileSystem.resolve('/s/d/l') ?? 0)
    t.equal(a.get('d/k'), 'ENOENT')
    a.revalidate('d')
    t.equal(a.get('d/k'), 'ENOENT', 'nor does an opening that tells of no change')
  })
}

await t.test('NFS 4 tells every change; NFS 3 tells two within one tick as one', async (t) => {
  for (const version of VERSIONS) {
    const pair = twoHosts(version)
    const { fileSystem, a, b } = pair
    stopClock(pair)
    t.notOk(fileSystem.sawTwoInOneTick)
    t.equal(a.get('d/k'), 'ENOENT')
    b.ask('link', 'f', 'd/k')
    t.ok(fileSystem.sawTwoInOneTick)
    a.revalidate('d')
    t.equal(a.get('d/k'), version === 4 ? 'v' : 'ENOENT', `NFS ${version}`)
    t.equal(a.list('d'), 'k,x', 'a listing that was not there yet is fetched')
    fileSystem.clock += 1
    a.revalidate('d')
    t.equal(a.get('d/k'), version === 4 ? 'v' : 'ENOENT', 'time alone tells nothing')
    b.put('d/x', 'y')
    a.revalidate('d')
    t.equal(a.get('d/k'), 'v', 'the next change does')
  }
})

await t.test('an open file whose last name another host removes is ESTALE', async (t) => {
  for (const version of VERSIONS) {
    const { a, b } = twoHosts(version)
    b.put('d/k', 'v')
    const fd = a.open('d/k')
    b.ask('link', 'd/k', 'pin')
    b.ask('unlink', 'd/k')
    t.equal(a.read(fd), 'v', 'not while it has another')
    b.ask('unlink', 'pin')
    t.equal(a.read(fd), 'ESTALE')
    t.equal(a.on('fsync', fd), 'ESTALE')
    t.equal(a.on('close', fd), undefined)
  }
})

await t.test(
  'a remembered name of what is no more is ESTALE, or looked up once again',
  async (t) => {
    const outcomes = VERSIONS.map((version) => {
      const { a, b } = twoHosts(version)
      b.put('d/k', 'old')
      b.put('d/l', 'old')
      a.get('d/k')
      a.get('d/l')
      b.put('d/k', 'new')
      b.ask('unlink', 'd/l')
      t.equal(typeof a.ask('lstat', 'd/l'), 'object', 'attributes are remembered')
      const first = [a.get('d/k'), a.get('d/l'), a.ask('lstat', 'd/l'), a.ask('link', 'd/k', 'd/m')]
      a.revalidate('d')
      t.same([a.get('d/k'), a.get('d/l'), a.ask('lstat', 'd/l')], ['new', 'ENOENT', 'ENOENT'])
      return first
    })
    t.same(outcomes, [
      ['ESTALE', 'ESTALE', 'ESTALE', 'ESTALE'],
      ['new', 'ENOENT', 'ENOENT', undefined],
    ])
  },
)

await t.test(
  'a call whose reply is lost is done once, and refused when it is repeated',
  async (t) => {
    const { a, b } = twoHosts(4)
    const losing = (call: string, ...names: readonly string[]): unknown => {
      a.mount.losesReply = true
      const answer = a.ask(call, ...names)
      t.equal(a.mount.losesReply, false, 'one reply only')
      return answer
    }
    t.equal(losing('mkdir', 'd/e'), 'EEXIST')
    b.put('d/k', 'v')
    t.equal(losing('link', 'd/k', 'd/l'), 'EEXIST')
    t.equal(losing('rename', 'd/k', 'd/m'), 'ENOENT')
    t.equal(b.list('d'), 'e,l,m', 'they took effect')
    t.same([a.get('d/k'), a.get('d/l'), a.get('d/m')], ['ENOENT', 'v', 'v'], 'the host asks again')
    t.equal(losing('unlink', 'd/l'), 'ENOENT')
    t.equal(losing('rmdir', 'd/e'), 'ENOENT')
    t.equal(b.list('d'), 'm')
    a.mount.losesReply = true
    t.equal(a.get('d/m'), 'v')
    t.equal(a.ask('unlink', 'd/none'), 'ENOENT')
    t.equal(a.mount.losesReply, true, 'calls that change nothing make no difference')
  },
)

await t.test('a file that is removed while its host has it open is kept as .nfs…', async (t) => {
  const { a, b } = twoHosts(4)
  b.put('d/k', 'v')
  const [own, others] = [a.open('d/k'), b.open('d/k')]
  a.ask('unlink', 'd/k')
  t.match(b.list('d'), /^\.nfs\d+$/)
  t.equal(a.get('d/k'), 'ENOENT')
  t.same([a.read(own), b.read(others)], ['v', 'v'])
  a.on('close', own)
  t.equal(b.list('d'), '', 'until it is closed')
  t.equal(b.read(others), 'ESTALE', 'what others have open does not count')
  b.put('d/k', 'w')
  a.revalidate('d')
  const again = a.open('d/k')
  a.ask('unlink', 'd/k')
  b.ask('unlink', `d/${String(b.list('d'))}`)
  t.equal(a.on('close', again), undefined, 'nobody is told if it is gone already')
})

await t.test('one that is replaced while its host uses it is away between two calls', async (t) => {
  for (const use of ['open', 'link'] as const) {
    const { a, b } = twoHosts(4)
    a.put('d/k', 'old')
    a.put('d/n', 'new')
    b.get('d/n')
    const fd = a.open('d/k')
    const linking = use === 'link' ? a.begin('link', 'd/k', 'd/l') : undefined
    if (use === 'link') a.on('close', fd)
    const replacing = a.begin('rename', 'd/n', 'd/k')
    t.equal(b.get('d/k'), 'old', 'it was only looked up')
    replacing.next()
    b.revalidate('d')
    t.equal(b.get('d/k'), 'ENOENT', 'the name is free')
    t.match(b.list('d'), /^\.nfs\d+,n$/)
    t.equal(replacing.next().done, true)
    b.revalidate('d')
    t.equal(b.get('d/k'), 'new')
    if (use === 'open') t.equal(a.read(fd), 'old')
    linking?.next()
    if (use === 'open') a.on('close', fd)
    t.equal(b.list('d'), use === 'link' ? 'k,l' : 'k')
    if (use === 'link') t.equal(b.get('d/l'), 'old', 'what was looked up is what is linked')
  }
})

await t.test(
  'what is renamed is taken for what its name stood for, until mkdir asks',
  async (t) => {
    const { a, b } = twoHosts(4)
    b.put('d/k', 'old')
    a.get('d/k')
    b.ask('link', 'd/k', 'pin')
    b.put('d/k', 'new')
    t.equal(a.ask('rename', 'd/k', 'd/p'), undefined)
    t.same([a.get('d/p'), b.get('d/p')], ['old', 'new'])
    t.equal(a.ask('mkdir', 'd/p'), 'EEXIST')
    t.equal(a.get('d/p'), 'new')
  },
)

await t.test('with lookupcache=none no name is believed, though a listing is', async (t) => {
  const pair = twoHosts(3, 'none')
  const { a, b } = pair
  b.put('d/l', 'old')
  stopClock(pair)
  t.equal(a.get('d/k'), 'ENOENT')
  t.equal(a.get('d/e/k'), 'ENOENT')
  t.equal(a.get('d/l'), 'old')
  t.equal(a.list('d'), 'l,x')
  b.put('d/k', 'v')
  b.ask('link', 'd/l', 'pin')
  b.put('d/l', 'new')
  b.ask('mkdir', 'd/e')
  b.put('d/e/k', 'w')
  t.same([a.get('d/k'), a.get('d/l'), a.get('d/e/k')], ['v', 'new', 'w'])
  t.equal(a.list('d'), 'l,x', 'its names are of before the tick was over')
  const fd = a.open('d/l')
  b.put('d/l', 'newer')
  a.ask('unlink', 'd/l')
  t.notMatch(namesOnServer(pair), /nfs/, 'it is not the file that this host has open')
  a.on('close', fd)
  const busy = a.open('d/k')
  a.ask('unlink', 'd/k')
  t.match(namesOnServer(pair), /nfs/, 'and this is')
  a.on('close', busy)
})
