import type { Question } from './question.js'
import { smallValues } from './small-values.js'

/** All questions, in the order in which they are asked and told. */
export const QUESTIONS: readonly Question[] = [smallValues]
