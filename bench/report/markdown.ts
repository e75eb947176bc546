/** A table whose columns are aligned, so that it can be read on a terminal as well. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const lines = all.map((row) => {
    const cells = widths.map((width, column) => (row[column] ?? '').padEnd(width))
    return `| ${cells.join(' | ')} |`
  })
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [lines[0] ?? '', rule, ...lines.slice(1)]
}
