/** The few elements that charts are made of. */

/** One that is wide enough for three panels and is shown on a page without being made smaller. */
export const CHART_WIDTH = 960
export const MARGIN = 32

const COLOURS = {
  light: {
    ground: '#ffffff',
    text: '#1f2328',
    muted: '#656d76',
    grid: '#e4e8ec',
    linkstore: '#2563eb',
    peer: '#b4bbc4',
    bound: '#e08a1e',
  },
  dark: {
    ground: '#0d1117',
    text: '#e6edf3',
    muted: '#8d96a0',
    grid: '#272d36',
    linkstore: '#58a6ff',
    peer: '#5b6573',
    bound: '#e3a04a',
  },
} as const
type Palette = (typeof COLOURS)[keyof typeof COLOURS]

type Attributes = Readonly<Record<string, string | number | undefined>>

export function element(
  name: string,
  attributes: Attributes,
  children: readonly string[] = [],
): string {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(attributeText(value ?? ''))}"`)
    .join('')
  return children.length === 0
    ? `<${name}${given}/>`
    : `<${name}${given}>${children.join('')}</${name}>`
}

/** A hundredth of a pixel is more than an eye can see. */
function attributeText(value: string | number): string {
  return typeof value === 'number' ? String(Number(value.toFixed(2))) : value
}

export function text(
  x: number,
  y: number,
  words: string,
  look: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  const place = { x, y, class: look, 'text-anchor': anchor === 'start' ? undefined : anchor }
  return element('text', place, [escaped(words)])
}

export function line(x1: number, y1: number, x2: number, y2: number, look: string): string {
  return element('line', { x1, y1, x2, y2, class: look })
}

export function rectangle(
  x: number,
  y: number,
  width: number,
  height: number,
  look: string,
): string {
  return element('rect', { x, y, width, height, rx: 2, class: look })
}

/** What is drawn, and what it takes for it to be read. */
export interface Drawing {
  readonly title: string
  /** For those who do not see it. */
  readonly description: string
  readonly height: number
  readonly body: readonly string[]
}

export function documentOf({ title, description, height, body }: Drawing): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${CHART_WIDTH} ${Math.ceil(height)}`,
    width: CHART_WIDTH,
    height: Math.ceil(height),
    role: 'img',
    'aria-labelledby': 'title desc',
    'font-family': 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif',
  }
  const children = [
    element('title', { id: 'title' }, [escaped(title)]),
    element('desc', { id: 'desc' }, [escaped(description)]),
    `<style>${styles()}</style>`,
    element('rect', { width: '100%', height: '100%', class: 'ground' }),
    ...body,
  ]
  return `${element(
    'svg',
    attributes,
    children.map((child) => `\n${child}`),
  )}\n`
}

function styles(): string {
  const { light, dark } = COLOURS
  return [
    'text{font-size:12px}',
    '.heading{font-size:17px;font-weight:600}',
    '.section{font-size:13px;font-weight:600}',
    '.small{font-size:11px}',
    '.strong{font-weight:600}',
    '.number{font-variant-numeric:tabular-nums}',
    'line,path{fill:none}',
    '.curve{stroke-width:2;stroke-linejoin:round}',
    '.dashed{stroke-dasharray:5 4}',
    '.dotted{stroke-dasharray:1.5 3.5}',
    '.dash-dotted{stroke-dasharray:8 3 1.5 3}',
    '.sparse{stroke-dasharray:10 6}',
    '.one{stroke-dasharray:3 3}',
    coloured(light),
    `@media (prefers-color-scheme:dark){${coloured(dark)}}`,
  ].join('')
}

function coloured({ ground, text, muted, grid, linkstore, peer, bound }: Palette): string {
  const roles = { linkstore, peer, bound }
  return [
    `.ground{fill:${ground}}`,
    `text{fill:${text}}`,
    `text.muted{fill:${muted}}`,
    `.grid{stroke:${grid}}`,
    `.one{stroke:${muted}}`,
    `.whisker{stroke:${text};stroke-opacity:.62}`,
    ...Object.entries(roles).map(
      ([role, colour]) =>
        `.${role}{fill:${colour}}.curve.${role},.stroke.${role}{stroke:${colour}}`,
    ),
    `text.linkstore{fill:${linkstore}}`,
    '.curve{fill:none}',
    `.leader{stroke:${muted};stroke-opacity:.55}`,
    `.haloed{paint-order:stroke;stroke:${ground};stroke-width:4;stroke-linejoin:round}`,
    `.dot{stroke:${ground};stroke-width:1.5}`,
  ].join('')
}

function escaped(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** How wide words are at most, in pixels; what shows them may use another font. */
export function widthOf(words: string, size = 12): number {
  return words.length * size * 0.56
}
