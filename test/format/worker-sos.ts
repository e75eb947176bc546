/**
 * Stores and gets as Go's SOS does, until SIGTERM, in a directory that others work in too; then
 * tells what it saw.
 *
 *     worker-sos ROOT KEYS
 */
import { setImmediate } from 'node:timers/promises'
import { stampedValue, stampOf } from '../processes/stamp.js'
import { Sos } from './sos.js'

const SOS_WRITER = 7
const [root = '', keys = '1'] = process.argv.slice(2)
let stopped = false
process.once('SIGTERM', () => (stopped = true))

const sos = new Sos(root, 'host-0000002b')
const seen = { stored: 0, own: 0, others: 0, missed: 0, torn: 0 }
process.stdout.write('ready\n')
while (!stopped) {
  for (let turn = 0; turn < 20; turn += 1) {
    seen.stored += 1
    sos.store(`key ${seen.stored % Number(keys)}`, stampedValue(SOS_WRITER, seen.stored))
    const value = sos.get(`key ${(seen.stored * 5) % Number(keys)}`)
    const stamp = value === undefined ? 'missed' : stampOf(value)
    if (stamp === 'missed' || stamp === 'torn') seen[stamp] += 1
    else if (stamp.startsWith(`${SOS_WRITER}.`)) seen.own += 1
    else seen.others += 1
  }
  await setImmediate()
}
process.stdout.write(`${JSON.stringify(seen)}\n`)
