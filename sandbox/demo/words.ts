import type { CardOutcome } from '../../src/domain/records.ts'

export { outcomeWords } from '../../src/cli/words.ts'

/**
 * How a line is meant: `cause` is what happens outside, `good` and `bad` are ends, `wait` is in between, `stop` protects
 * the cardholder.
 */
export type Tone = 'cause' | 'good' | 'bad' | 'wait' | 'stop' | 'plain'

/** By status alone: the reason makes no difference for how it is meant. */
export const toneOf = ({ status }: Pick<CardOutcome, 'status'>): Tone => {
  switch (status) {
    case 'UPDATED':
      return 'good'
    case 'FAILED':
    case 'REJECTED':
    case 'NO_RESULT':
    case 'NEEDS_USER_ACTION':
      return 'bad'
    case 'ACCEPTED':
    case 'RETRY_SCHEDULED':
      return 'wait'
    case 'SUPPRESSED':
    case 'HELD':
    case 'CANCELLED':
      return 'stop'
    case 'SKIPPED':
    case 'EXTERNAL':
    case 'UNKNOWN':
      return 'plain'
  }
}

/** What a dead letter means. */
export const deadLetterWords = (reason: string, byReference: boolean): string =>
  `${reason === 'contains_pan' ? 'holds a card number' : reason.replaceAll('_', ' ')}, bytes ${byReference ? 'left out' : 'kept'}`
