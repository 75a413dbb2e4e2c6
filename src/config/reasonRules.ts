import { FAILURE_REASONS, normalisedReason } from '../domain/reasons.ts'
import { editDistance, suggestion } from './suggestion.ts'

/** One entry of `policy.reasons` that would not do what its author means, or would do nothing. */
export interface ReasonFault {
  /** The name as it was written. */
  readonly name: string
  readonly message: string
}

type Change = Readonly<{ class?: unknown; retries?: number | undefined; waits?: readonly number[] | undefined }>

const KNOWN = [...FAILURE_REASONS.keys()]

/**
 * What is wrong with the names and retries of `policy.reasons`. Outcomes write reasons in snake case, and Knot does not: a
 * name that was copied from there, or mistyped, would be a row for a reason that never comes.
 */
export function reasonFaults(overrides: Readonly<Record<string, Change>>): readonly ReasonFault[] {
  const faults: ReasonFault[] = []
  const names = new Map<string, string>()
  for (const [written, change] of Object.entries(overrides)) {
    const name = normalisedReason(written)
    const before = names.get(name)
    const message = before === undefined ? faultOf(name, change) : `is the same reason as "${before}": write it once`
    names.set(name, written)
    if (message !== null) faults.push({ name: written, message })
  }
  return faults
}

function faultOf(name: string, { class: reasonClass, retries = 0, waits }: Change): string | null {
  const row = FAILURE_REASONS.get(name)
  if (row === undefined) {
    const meant = KNOWN.find(known => isVariant(name, known))
    if (meant !== undefined) return `is not how Knot writes it: write "${meant}"`
    if (reasonClass === undefined) {
      const near = suggestion(name, KNOWN)
      return `is no reason of Knot that onfile knows: ${near === null ? '' : `write "${near}", or `}give it a class`
    }
  }
  const hasWaits = (waits ?? row?.waitsMs ?? []).length > 0
  return retries > 0 && !hasWaits ? 'has retries and no waits: write waits, one before each retry' : null
}

/** With other marks between its words, or one letter wrong. */
function isVariant(name: string, known: string): boolean {
  return wordsOf(name) === wordsOf(known) || editDistance(name, known) === 1
}

function wordsOf(name: string): string {
  return name.replace(/[ _-]+/g, ' ').trim()
}
