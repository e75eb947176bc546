import t from 'tap'
import { makeDisk } from './disk.js'
import { runGuest, worker } from './guest.js'
import type { HealthReport } from './health-worker.js'

/** Beyond the second that an answer may take: for a process to start, on a busy machine. */
const VERB_MS = 3000
const COMMAND_MS = 20_000

await t.test('where the server is gone a store is not healthy, and says so in time', async (t) => {
  const reports: HealthReport[] = []
  await runGuest(t, {
    disks: [makeDisk(t, { fileSystem: 'ext4' })],
    script: `
      export -f host_cut host_heal
      disk_mount /dev/ubda /run/disk; nfs_server /run/disk
      host_add a 1; host_mount a /run/mnt vers=4.2,hard
      ${worker('lab/health-worker.js', '/run/mnt/store')}`,
    timeoutMs: 300_000,
    onResult: (result) => void reports.push(result as HealthReport),
  })
  t.match(reports, [
    { when: 'up', isHealthy: true, command: { status: 0 } },
    { when: 'cut', isHealthy: false, code: 'UNAVAILABLE', command: { status: 1 } },
    { when: 'healed', isHealthy: true, command: { status: 0 } },
  ])
  for (const { when, tookMs, command } of reports) {
    t.ok(tookMs < VERB_MS, `${when}: the verb took ${Math.round(tookMs)} ms`)
    t.ok(command.tookMs < COMMAND_MS, `${when}: the command took ${Math.round(command.tookMs)} ms`)
  }
})
