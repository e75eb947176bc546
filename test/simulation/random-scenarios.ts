import { KEY, scenario, START_MS, type Cast, type Place, type Scenario } from './scenario.js'
import { large, small, type Value, type Verb } from './verbs.js'
import { Chance } from './walk.js'

const OTHER_KEY = 'b'
const LETTERS = 'A B C D E F G H J K L M N O P Q R S T U V W X Y Z'
const TICKS_MS = [START_MS + 10, START_MS + 20]

/** A scenario of three or four processes and some dozen operations, the same for the same seed. */
export function randomScenario(place: Place, seed: number): Scenario {
  const chance = new Chance(seed)
  const letters = LETTERS.split(' ')
  const hosts = place === 'local' ? 1 : 2
  const expires = chance.next() < 0.4
  const value = (): Value => {
    const id = letters.shift() ?? '?'
    if (chance.next() < 0.1) return large(id)
    return expires && chance.next() < 0.5 ? { ...small(id), ttlMs: 10 } : small(id)
  }
  const initial = new Map<string, Value>()
  for (const key of [KEY, OTHER_KEY]) {
    if (chance.next() < 0.5) continue
    const { ttlMs, ...first } = value()
    const expiresAtMs = ttlMs === undefined ? undefined : START_MS + ttlMs
    initial.set(key, { ...first, expiresAtMs })
  }
  const cast = Array.from({ length: 3 + chance.below(2) }, (): Cast => {
    const program = (): Verb[] => {
      return Array.from({ length: 2 + chance.below(3) }, () => randomVerb(chance, value))
    }
    const programs = chance.next() < 0.2 ? [program(), program()] : [program()]
    return { host: chance.below(hosts), programs }
  })
  return scenario([], {
    place,
    cast,
    initial,
    reads: chance.next() < 0.7 ? 'link' : 'open',
    pinned: chance.next() < 0.3,
    dirMode: chance.next() < 0.2 ? 0o770 : undefined,
    ticksMs: expires ? TICKS_MS : [],
    ticksByItself: false,
    serverTicks: true,
    suspends: chance.next() < 0.3,
    faults: {
      kills: chance.below(2),
      lostReplies: chance.below(2),
      aborts: chance.below(2),
      stops: chance.below(2),
    },
    // Values that are read piece by piece from an open file may be gone before they are read.
    mayFail: place !== 'local',
  })
}

function randomVerb(chance: Chance, value: () => Value): Verb {
  const key = chance.next() < 0.8 ? KEY : OTHER_KEY
  const to = key === KEY ? OTHER_KEY : KEY
  const kind = chance.pick([
    'write',
    'write',
    'add',
    'add',
    'read',
    'read',
    'read',
    'stat',
    'take',
    'remove',
    'copy',
    'rename',
    'list',
    'clear',
    'sweep',
  ] as const)
  switch (kind) {
    case 'write':
    case 'add':
      return { kind, key, value: value() }
    case 'copy':
    case 'rename':
      return { kind, key, to }
    case 'sweep':
      return { kind, graceMs: 500 }
    case 'list':
    case 'clear':
      return { kind }
    default:
      return { kind, key }
  }
}
