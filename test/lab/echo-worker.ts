/**
 * Writes to a directory until it is killed, and reports each write: echo-worker DIRECTORY COUNT
 */
import { writeFileSync } from 'node:fs'
import { report } from './channel.js'

const [directory = '', count = ''] = process.argv.slice(2)
for (let i = 0; i < Number(count); i += 1) {
  writeFileSync(`${directory}/${i}`, 'x')
  report({ written: i })
}
