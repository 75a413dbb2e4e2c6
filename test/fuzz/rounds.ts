import { setImmediate } from 'node:timers/promises'
import { cutsOf, inputOf, runCase } from './caseRun.ts'
import type { Target } from './target.ts'

/** A case that broke the law, and what replays it. */
export interface Violation {
  readonly target: string
  readonly seed: number
  readonly index: number
  readonly why: string
}

/** What the cases of one target came to. */
export interface TargetResult {
  readonly target: string
  readonly cases: number
  readonly values: number
  readonly typedErrors: number
  readonly slowestMs: number
  readonly mostAllocatedBytes: number
  /** The first few. */
  readonly violations: readonly Violation[]
}

export interface Round {
  readonly seed: number
  readonly cases: number
  /** Ends early, at a moment of `performance.now`. */
  readonly untilMs: number
  /** Called before each case: who watches knows then which one does not end. */
  readonly onCase: (index: number) => void
}

const MOST_VIOLATIONS = 5
const CASES_PER_TURN = 500
/** Cuts at each length come first, as long as they are no more than this part of the cases. */
const CUTS_PART = 0.5

/** Runs cases one after the other. */
export async function runRound(target: Target, { seed, cases, untilMs, onCase }: Round): Promise<TargetResult> {
  const cuts = cutsOf(target)
  const skipped = Math.max(0, cuts - Math.floor(cases * CUTS_PART))
  const violations: Violation[] = []
  let [done, values, typedErrors, slowestMs, mostAllocatedBytes] = [0, 0, 0, 0, 0]
  while (done < cases && performance.now() < untilMs) {
    const index = done + skipped < cuts ? spread(done, cuts, cuts - skipped) : done + skipped
    // Node frees the contexts of failed decompressions only between turns of the event loop.
    if (done % CASES_PER_TURN === 0) await setImmediate()
    onCase(index)
    const result = runCase(target, inputOf(target, seed, index))
    done++
    if (result.kind === 'violation') {
      violations.push({ target: target.name, seed, index, why: result.why })
      if (violations.length >= MOST_VIOLATIONS) break
      continue
    }
    if (result.kind === 'value') values++
    else typedErrors++
    slowestMs = Math.max(slowestMs, result.ms)
    mostAllocatedBytes = Math.max(mostAllocatedBytes, result.allocatedBytes)
  }
  return { target: target.name, cases: done, values, typedErrors, slowestMs, mostAllocatedBytes, violations }
}

/** The `nth` of `wanted` cuts, evenly among all. */
function spread(nth: number, cuts: number, wanted: number): number {
  return Math.floor((nth * cuts) / wanted)
}
