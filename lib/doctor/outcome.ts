import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { errnoOf } from '../errors.js'

/** What became of a probe. */
export type Outcome<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'silent'; readonly afterMs: number }
  | { readonly kind: 'skipped'; readonly reason: string }

/** The value of a probe that succeeded. */
export function valueOf<T>(outcome: Outcome<T>): T | undefined {
  return outcome.kind === 'found' ? outcome.value : undefined
}

/** Whether a probe failed with one of these codes. */
export function failedWith(outcome: Outcome<unknown>, ...codes: readonly string[]): boolean {
  return outcome.kind === 'failed' && codes.includes(outcome.code)
}

/** Why there is no value, in words. */
export function whyNot(outcome: Outcome<unknown>): string {
  switch (outcome.kind) {
    case 'found':
      return 'it was found'
    case 'failed':
      return outcome.message
    case 'silent':
      return `no answer within ${outcome.afterMs / 1000} s`
    case 'skipped':
      return `not tried: ${outcome.reason}`
  }
}

/** An error of the system as an outcome. */
export function failure(error: unknown): Outcome<never> {
  const { syscall, message } = error as NodeJS.ErrnoException
  const number = errnoOf(error)
  if (number === 0) return { kind: 'failed', code: 'ERROR', message }
  const code = codeOf(error)
  const words = getSystemErrorMap().get(-number)?.[1] ?? 'the system refused'
  return { kind: 'failed', code, message: `${syscall ?? 'the call'} says ${code}, ${words}` }
}

/** The name of a system error's number. Node itself has none for ESTALE and some others. */
export function codeOf(error: unknown): string {
  const number = errnoOf(error)
  const known = getSystemErrorMap().get(-number)?.[0]
  if (known !== undefined) return known
  const [name] = Object.entries(constants.errno).find(([, other]) => other === number) ?? []
  return name ?? `errno ${number}`
}
