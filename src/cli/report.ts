import { scrub } from '../telemetry/scrub.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'

/** Where a command writes: what was asked for to `out`, complaints to `err`. A line each, without its end. */
export interface Terminal {
  out(line: string): void
  err(line: string): void
}

/** What came of looking at one thing. `unreachable`: it may be right, it does not answer. */
export interface Verdict {
  readonly subject: string
  readonly kind: 'right' | 'wrong' | 'unreachable'
  /** What was found; for the others why, and who must act. */
  readonly detail: string
}

export function printVerdicts(verdicts: readonly Verdict[], terminal: Terminal): void {
  for (const { subject, kind, detail } of verdicts) {
    terminal.out(`${kind === 'right' ? '✓' : '✗'} ${subject}: ${scrub(detail)}`)
  }
}

/** What is definitely wrong comes before what does not answer: trying again would not help. */
export function exitCodeOf(verdicts: readonly Verdict[]): ExitCode {
  if (verdicts.some(({ kind }) => kind === 'wrong')) return EXIT.wrong
  return verdicts.some(({ kind }) => kind === 'unreachable') ? EXIT.unreachable : EXIT.done
}
