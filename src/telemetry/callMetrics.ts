import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'
import { CALLS, OUTAGE_ANSWERS } from './knownLabels.ts'

const MAX_ANSWERS = 60
export const CALL_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** Calls to the systems around onfile. */
export interface CallMetrics {
  /** A call to another system ended; `answer` is its kind. */
  readonly called: (system: string, operation: string, answer: string, durationMs: number) => void
  /** Whether the last call to it ended without an answer that says anything. */
  readonly isFailing: (system: string) => boolean
}

export function callMetrics(instruments: Instruments): CallMetrics {
  const answers = new BoundedLabel(MAX_ANSWERS)
  const failing = new Set<string>()
  const calls = instruments.counter(
    'onfile_calls_total',
    'Calls to Knot, the vault, the card directory and the schema registry, by what they answered. `unauthorized`: our token, secret or certificate is refused.',
    ['system', 'operation', 'answer'],
  )
  const seconds = instruments.histogram(
    'onfile_call_duration_seconds',
    'The same calls, with the wait for a connection; a key from the cache counts too.',
    ['system', 'operation'],
    CALL_BUCKETS_SECONDS,
  )
  for (const [system, operation, known] of CALLS) {
    seconds.zero({ system, operation })
    for (const answer of known) calls.inc({ system, operation, answer: answers.bound(answer) }, 0)
  }
  return {
    called(system, operation, answer, durationMs) {
      calls.inc({ system, operation, answer: answers.bound(answer) })
      seconds.observe({ system, operation }, durationMs / 1_000)
      if (OUTAGE_ANSWERS.has(answer)) failing.add(system)
      else failing.delete(system)
    },
    isFailing: system => failing.has(system),
  }
}
