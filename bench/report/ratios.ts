import { spreadOf, type Group } from '../results.js'

/**
 * How many times the figure of one subject is that of another, round by round. Of runs of unlike
 * lengths only the medians can be compared.
 */
export function ratiosOf(
  group: Group,
  subject: string,
  otherGroup: Group,
  otherSubject: string,
): readonly number[] {
  const figures = figuresOf(group, subject)
  const others = figuresOf(otherGroup, otherSubject)
  if (figures.length !== others.length) {
    return [spreadOf(figures).median / spreadOf(others).median]
  }
  return figures.map((figure, round) => figure / (others[round] ?? NaN))
}

function figuresOf({ series }: Group, subject: string): readonly number[] {
  const found = series.find((each) => each.subject === subject)
  if (found === undefined) throw new RangeError(`${subject} is not in the group`)
  return found.figures
}
