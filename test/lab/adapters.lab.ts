import t from 'tap'
import { USES } from '../adapters/uses.js'
import type { AdapterRead } from './adapters-worker.js'
import { makeDisk } from './disk.js'
import { quote, runGuest, worker } from './guest.js'
import { IS_SHORT } from './selection.js'

const WORKER = 'lab/adapters-worker.js'
const VALUES = ['first', 'second', 'third']
const MOUNTS = ['vers=4.2', 'vers=3,nolock,lookupcache=none']

for (const options of IS_SHORT ? MOUNTS.slice(0, 1) : MOUNTS) {
  await t.test(`what one host writes by an adapter another one reads, ${options}`, async (t) => {
    const found: AdapterRead[] = []
    // Each host writes what the other one reads, in turns.
    const turns = VALUES.flatMap((value, turn) => {
      const [writer, reader] = turn % 2 === 0 ? ['a', 'b'] : ['b', 'a']
      return [
        worker(WORKER, 'write', `/run/mnt/${writer}`, value),
        worker(WORKER, 'read', `/run/mnt/${reader}`),
      ]
    })
    await runGuest(t, {
      disks: [makeDisk(t, { fileSystem: 'ext4' })],
      memoryMiB: 512,
      timeoutMs: 600_000,
      script: `
        disk_mount /dev/ubda /run/disk; nfs_server /run/disk
        host_add a 1; host_add b 2
        for host in a b; do host_mount $host /run/mnt/$host ${quote(options)}; done
        ${turns.join('\n')}`,
      onResult: (result) => void found.push(result as AdapterRead),
    })
    const expected = VALUES.flatMap((value) =>
      Object.keys(USES).map((adapter): AdapterRead => ({ adapter, found: value })),
    )
    t.same(found, expected)
  })
}
