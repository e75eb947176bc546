/** Writes the manual: main FILE CHANGELOG, which tells the date of the version. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { buildProgram } from '../program.js'
import { Session } from '../session.js'
import { manualOf } from './manual.js'

const [, , file = '', changelog = ''] = process.argv
const { version } = createRequire(import.meta.url)('linkstore/package.json') as { version: string }
const released = /^## \[\d.*\] - (\d{4}-\d\d-\d\d)$/m.exec(readFileSync(changelog, 'utf8'))

const session = new Session()
const names = (await buildProgram(session, [])).commands.map((command) => command.name())
const program = await buildProgram(session, names)
writeFileSync(file, manualOf(program, { version, date: released?.[1] ?? '' }))
