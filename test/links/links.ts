/** Links of pages to other sites, followed; those within the repository need no network. */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LinkChecker, LinkState, type LinkResult } from 'linkinator'

/** What a server says of a page that is not there, or not there any more. */
const GONE: readonly number[] = [404, 410]
const TIMEOUT_MS = 30_000

/** A link, and what came of following it. */
export interface Followed {
  readonly url: string
  /** The page that it is on. */
  readonly page: string
  /** What was answered, in words; empty for a link that leads somewhere. */
  readonly reason: string
}

/** Of no link more is said than what its server has answered. */
export interface Report {
  readonly alive: readonly Followed[]
  readonly dead: readonly Followed[]
  /** No answer, or one that does not tell: a refusal, a server in trouble. */
  readonly unknown: readonly Followed[]
  /** Pages that lie elsewhere now, and where. */
  readonly moved: readonly string[]
}

type Kind = Exclude<keyof Report, 'moved'>

/** All pages below a directory, by paths from there; what is made or fetched is left out. */
export function pagesOf(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name)
    const isOurs = !/^\.|^(dist|node_modules)$/.test(entry.name)
    if (entry.isDirectory()) return isOurs ? pagesOf(root, path) : []
    return entry.name.endsWith('.md') ? [path] : []
  })
}

/** Follows every link of some pages to other sites; none is waited for longer than 30 s. */
export async function follow(root: string, pages: readonly string[]): Promise<Report> {
  const checker = new LinkChecker()
  const moves = new Map<string, string>()
  checker.on('redirect', ({ url, targetUrl = '?' }) => moves.set(url, targetUrl))
  const { links } = await checker.check({
    path: [...pages],
    serverRoot: resolve(root),
    markdown: true,
    redirects: 'warn',
    timeout: TIMEOUT_MS,
  })
  const others = links.filter(({ url }) => /^https?:/.test(url))
  // Of its own server, which it asks for the pages, it tells as well.
  const moved = others.flatMap(({ url }) => (moves.has(url) ? [`${url} → ${moves.get(url)}`] : []))
  const ofKind = (kind: Kind): Followed[] =>
    others.filter((link) => kindOf(link) === kind).map(followed)
  return { alive: ofKind('alive'), dead: ofKind('dead'), unknown: ofKind('unknown'), moved }
}

function kindOf({ state, status }: LinkResult): Kind {
  if (state === LinkState.OK) return 'alive'
  return GONE.includes(status ?? 0) ? 'dead' : 'unknown'
}

function followed({ url, parent, state, status, failureDetails }: LinkResult): Followed {
  const reason = (): string => (status ? `answered ${status}` : noAnswer(failureDetails))
  return { url, page: parent ?? '', reason: state === LinkState.OK ? '' : reason() }
}

function noAnswer(failures: LinkResult['failureDetails']): string {
  const [failure] = failures ?? []
  const cause = failure instanceof Error ? (failure.cause as { code?: unknown }) : undefined
  return `no answer, ${typeof cause?.code === 'string' ? cause.code : 'and no reason'}`
}

/** A report as text. */
export function textOf({ alive, dead, unknown, moved }: Report): string {
  const count = alive.length + dead.length + unknown.length
  const lines = [
    ...dead.map(({ url, page, reason }) => `dead: ${url} in ${page}: ${reason}`),
    ...moved.map((where) => `moved: ${where}`),
    ...hostsOf(unknown).map((host) => `not known: ${host}`),
    `${count} links to other sites: ${alive.length} lead somewhere, ${dead.length} are dead, ` +
      `of ${unknown.length} nothing is known`,
  ]
  if (count > 0 && unknown.length === count) {
    lines.push('NOT CHECKED: no host gave an answer, so there is most likely no network here')
  }
  return `${lines.join('\n')}\n`
}

function hostsOf(links: readonly Followed[]): string[] {
  const hosts = new Map<string, number>()
  for (const { url, reason } of links) {
    const host = `${new URL(url).host}: ${reason}`
    hosts.set(host, (hosts.get(host) ?? 0) + 1)
  }
  return [...hosts].map(([host, count]) => `${count} of ${host}`)
}
