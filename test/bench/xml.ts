/** Whether tags are closed in the order they were opened in, and text is escaped. */
export function problemOf(text: string): string | undefined {
  const open: string[] = []
  let from = 0
  for (const match of text.matchAll(/<(\/?)([\w-]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g)) {
    const [tag, isEnd = '', name = '', , isEmpty = ''] = match
    const problem = problemOfText(text.slice(from, match.index))
    if (problem !== undefined) return problem
    from = match.index + tag.length
    if (isEnd !== '') {
      const last = open.pop()
      if (last !== name) return `${tag} closes ${last ?? 'nothing'}`
    } else if (isEmpty === '') open.push(name)
  }
  if (open.length > 0) return `${open.join(', ')} stay open`
  return problemOfText(text.slice(from))
}

function problemOfText(text: string): string | undefined {
  const stray = /[<>]|&(?!(amp|lt|gt|quot);)/.exec(text)
  return stray === null ? undefined : `a stray ${stray[0]} in ${text.trim()}`
}
