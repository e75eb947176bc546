import t from 'tap'
import { makeDisk } from './disk.js'
import { runGuest, worker } from './guest.js'

/** How a host is mounted; what it says, cut off, of keys that another has changed since. */
const CASES = [
  ['softerr', { known: 'old', missing: 'undefined' }],
  ['soft', { known: 'IO', missing: 'IO' }],
] as const

for (const [option, cutOff] of CASES) {
  await t.test(`a host that is cut off, mounted ${option}: what it says is known`, async (t) => {
    const roots = ['a', 'b'].map((host) => `/run/mnt/${host}/store`)
    const results = await runGuest(t, {
      disks: [makeDisk(t, { fileSystem: 'ext4' })],
      script: `
        disk_mount /dev/ubda /run/disk; nfs_server /run/disk
        host_add a 1; host_add b 2
        host_mount a /run/mnt/a vers=3,nolock,${option},timeo=5,retrans=1
        host_mount b /run/mnt/b vers=3,nolock
        ${worker('lab/softerr-worker.js', ...roots, '/run/ready', '/run/cut')} & job=$!
        while [ ! -e /run/ready ]; do kill -0 $job; sleep 0.1; done
        host_cut a; touch /run/cut
        wait $job
        host_heal a`,
    })
    t.strictSame(results, [{ known: 'old', missing: 'undefined' }, cutOff])
  })
}
