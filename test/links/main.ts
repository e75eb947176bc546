/** Follows the links of all pages to other sites; fails for those that are dead. */
import { follow, pagesOf, textOf } from './links.js'

const report = await follow('.', pagesOf('.'))
process.stdout.write(textOf(report))
process.exitCode = report.dead.length === 0 ? 0 : 1
