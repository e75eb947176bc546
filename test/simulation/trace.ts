import { toObjectKey } from '../../lib/key.js'
import type { Verb } from './verbs.js'
import type { Happening, World } from './world.js'
import { tellError } from './system-error.js'

/** A run in words, one line for each step; private steps that say nothing are left out. */
export function tellTrace(world: World): string {
  const lines = world.happenings.map((happening) => tellHappening(world, happening))
  const verbs = world.history.entries.map(({ verb, process, result, error, called, returned }) => {
    const answer = error === undefined ? tellAnswer(result) : tellError(error)
    const how = called === undefined ? 'not begun' : returned === undefined ? 'cut off' : answer
    return `  p${process} ${tellVerb(verb)} -> ${how}`
  })
  return [...lines, 'what was called, and what it answered:', ...verbs].join('\n')
}

/** A verb as one would call it. */
export function tellVerb(verb: Verb): string {
  switch (verb.kind) {
    case 'swap':
      return `swap(${verb.key}, ${verb.value.id})`
    case 'drop':
      return `drop(${verb.key})`
    case 'write':
    case 'add': {
      const { id, sizeBytes, expiresAtMs } = verb.value
      const size = sizeBytes > 3 ? ', large' : ''
      const expiry = expiresAtMs === undefined ? '' : `, until ${expiresAtMs}`
      return `${verb.kind}(${verb.key}, ${id}${size}${expiry})`
    }
    case 'copy':
    case 'rename':
      return `${verb.kind}(${verb.key}, ${verb.to})`
    case 'read':
    case 'stat':
    case 'take':
    case 'remove':
      return `${verb.kind}(${verb.key})`
    case 'read cell':
      return `read cell(${verb.cell})`
    case 'update cell':
      return `update cell(${verb.cell}, ${verb.value ?? 'removed'})`
    default:
      return `${verb.kind}()`
  }
}

function tellHappening(world: World, happening: Happening): string {
  const { choice, effect, isHalf, answer, error, note } = happening
  if (choice.process < 0) return `     ${choice.act}`
  const who = `  p${choice.process}${choice.thread > 0 ? `.${choice.thread}` : '  '}`
  if (note !== undefined) return `${who} ${note}`
  if (effect === undefined) return `${who} ${choice.act.toUpperCase()}`
  const values = effect.values
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map((value) => (typeof value === 'string' ? shorten(world, value) : `${value}`))
  const wrong = choice.act === 'step' ? '' : ` (${choice.act} ${choice.code ?? ''})`
  const outcome = isHalf ? 'looked up' : error === undefined ? tellAnswer(answer) : code(error)
  return `${who} ${effect.call} ${values.join(' ')}${wrong} -> ${outcome}`
}

/** Paths in terms of the store: keys, shards and private names. */
function shorten(world: World, path: string): string {
  let text = path
  for (const key of ['a', 'b']) {
    const { hash } = toObjectKey(key)
    text = text
      .replace(`/s/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`, `<${key}>`)
      .replace(`/s/${hash.slice(0, 2)}/${hash.slice(2, 4)}`, `<shard of ${key}>`)
      .replace(`/s/${hash.slice(0, 2)}`, `<parent of the shard of ${key}>`)
  }
  for (const { index, context } of world.processes) {
    const own = context?.instance?.path
    if (own !== undefined) text = text.replace(own, `<private ${index}>`)
  }
  return text
}

function code(error: unknown): string {
  const { message = tellError(error) } = error as { message?: string }
  return message.split(':')[0] ?? message
}

function tellAnswer(answer: unknown): string {
  if (answer === undefined) return 'done'
  if (typeof answer === 'object' && answer !== null) {
    const { ino, nlink } = answer as { ino?: number; nlink?: number }
    return ino === undefined ? JSON.stringify(answer) : `inode ${ino}, ${nlink ?? ''} names`
  }
  return `${answer as string | number | boolean}`
}
