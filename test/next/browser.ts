/** A real browser without a window. */
import { chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

const CHROMIUM = '/usr/bin/chromium'
const TIMEOUT_MS = 60_000

/** A page of a browser, and what went wrong in it. */
export interface OpenedPage {
  readonly page: Page
  readonly problems: readonly string[]
}

/** Starts Debian's Chromium; it ends with the test. */
export async function openBrowser(t: Test): Promise<OpenedPage> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    // As root it has no sandbox to start in.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    timeout: TIMEOUT_MS,
  })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(TIMEOUT_MS)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    // A browser asks every site for its icon.
    const isIcon = message.location().url.endsWith('/favicon.ico')
    if (message.type() === 'error' && !isIcon) problems.push(message.text())
  })
  page.on('response', (response) => {
    if (response.status() >= 500) problems.push(`${response.url()}: ${response.status()}`)
  })
  return { page, problems }
}
