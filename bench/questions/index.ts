import type { Question } from './question.js'

/** All questions, in the order in which they are asked and told. */
export const QUESTIONS: readonly Question[] = []
