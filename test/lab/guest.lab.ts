import t from 'tap'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { makeDisk } from './disk.js'
import { Guest, runGuest, worker } from './guest.js'
import { IS_SHORT } from './selection.js'

for (const fileSystem of IS_SHORT ? (['ext4'] as const) : (['ext4', 'xfs', 'btrfs'] as const)) {
  await t.test(`a guest works on a disk with ${fileSystem} and keeps it`, async (t) => {
    const disks = [makeDisk(t, { fileSystem })]
    const mount = 'disk_mount /dev/ubda /run/disk\n'
    const script = `${mount} ${worker('lab/echo-worker.js', '/run/disk', 3)}; umount /run/disk`
    const results = await runGuest(t, { disks, script })
    t.strictSame(results, [{ written: 0 }, { written: 1 }, { written: 2 }])
    const count = `${mount} ls /run/disk | grep -c '^[0-9]' >$LAB_RESULTS`
    t.strictSame(await runGuest(t, { disks, script: count }), [3])
  })
}

await t.test('a power cut takes all that was only in memory', async (t) => {
  const disks = [makeDisk(t, { fileSystem: 'ext4' })]
  // Else the journal would be written out while the files are.
  const mount = 'disk_mount /dev/ubda /run/disk commit=300\n'
  const guest = new Guest(t, {
    disks,
    script: `${mount} ${worker('lab/echo-worker.js', '/run/disk', 100_000)}`,
  })
  await guest.waitFor((result) => (result as { written: number }).written === 100)
  await guest.cut()
  t.equal((await guest.ended).status, undefined)
  const count = `${mount} ls /run/disk | grep -c '^[0-9]' >$LAB_RESULTS || true`
  t.strictSame(await runGuest(t, { disks, script: count }), [0])
})

await t.test('a guest that fails, hangs or panics is a failure', async (t) => {
  await t.rejects(runGuest(t, { script: 'echo told; false; echo not told' }), /status 1:\n[^]*told/)
  await t.rejects(runGuest(t, { script: 'sleep 60', timeoutMs: 5000 }), /timed out/)
  await t.rejects(runGuest(t, { script: 'sleep 60', signal: AbortSignal.abort() }), /aborted/)
  await t.rejects(runGuest(t, { script: 'echo c >/proc/sysrq-trigger' }), /status unknown/)
})

await t.test('a guest cannot change the machine, and leaves nothing', async (t) => {
  const scratch = t.testdir()
  const before = tmpdir()
  t.teardown(() => (process.env['TMPDIR'] = before))
  process.env['TMPDIR'] = scratch
  await runGuest(t, { script: `! touch ${scratch}/trespass` })
  const guest = new Guest(t, { script: 'sleep 60' })
  await guest.cut()
  t.strictSame(readdirSync(scratch), [])
})
