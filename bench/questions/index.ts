import { experiments } from './experiments.js'
import { growth } from './growth.js'
import { largeStreams } from './large-streams.js'
import { layers } from './layers.js'
import { loadedCode } from './loaded-code.js'
import { memory } from './memory.js'
import { misses } from './misses.js'
import { processes } from './processes.js'
import type { Question } from './question.js'
import { smallValues } from './small-values.js'
import { startUp } from './start-up.js'
import { valueSizes } from './value-sizes.js'
import { watching } from './watching.js'
import { wholeStore } from './whole-store.js'

/** All questions, in the order in which they are asked and told. */
export const QUESTIONS: readonly Question[] = [
  smallValues,
  valueSizes,
  misses,
  largeStreams,
  processes,
  growth,
  wholeStore,
  startUp,
  loadedCode,
  memory,
  layers,
  watching,
  experiments,
]
