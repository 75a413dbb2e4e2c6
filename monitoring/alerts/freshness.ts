import type { Alert, RecordingRule, RuleGroup } from './alert.ts'

/** Objective: so much of all outcomes is committed within `FRESH_WITHIN_SECONDS` of the issuer's append. */
export const FRESH_SHARE = 0.99
/** A bound of the histogram's buckets. */
export const FRESH_WITHIN_SECONDS = 10
/** Fewer outcomes in the long window say nothing. */
const FEWEST_OUTCOMES = 100

const COUNT = 'onfile_outcome_freshness_seconds_count'
const FRESH = `onfile_outcome_freshness_seconds_bucket{le="${FRESH_WITHIN_SECONDS}"}`

function lateRatio(window: string): string {
  return `job:onfile_outcomes_late:ratio_rate${window}`
}

const recordings: readonly RecordingRule[] = ['5m', '30m', '1h', '6h', '3d'].map(window => ({
  record: lateRatio(window),
  expr: `1 - sum by (job) (rate(${FRESH}[${window}])) / (sum by (job) (rate(${COUNT}[${window}])) > 0)`,
}))

/** Burn rates of the SRE workbook: the budget of 30 days is gone in 30 days divided by the factor. */
function burn(
  name: string,
  factor: number,
  long: string,
  short: string,
  rest: Pick<Alert, 'severity' | 'summary'>,
): Alert {
  const limit = Number((factor * (1 - FRESH_SHARE)).toFixed(4))
  return {
    name,
    ...rest,
    expr:
      `${lateRatio(long)} > ${limit} and ${lateRatio(short)} > ${limit} ` +
      `and on (job) sum by (job) (increase(${COUNT}[${long}])) >= ${FEWEST_OUTCOMES}`,
    description:
      `{{ $value | humanizePercentage }} of the outcomes of the last ${long} came more than ${FRESH_WITHIN_SECONDS} s after ` +
      `the issuer's record (objective: ${100 * FRESH_SHARE} % within).`,
  }
}

/** Are outcomes in time? Burn rates over two windows each, so that a short peak wakes nobody. */
export const freshness: RuleGroup = {
  name: 'onfile-freshness',
  rules: [
    ...recordings,
    burn('OnfileFreshnessBurnFast', 14.4, '1h', '5m', {
      severity: 'page',
      summary: 'Outcomes are late: the error budget of a month is gone in two days at this rate.',
    }),
    burn('OnfileFreshnessBurnSlow', 6, '6h', '30m', {
      severity: 'page',
      summary: 'Outcomes are late: the error budget of a month is gone in five days at this rate.',
    }),
    burn('OnfileFreshnessBudget', 1, '3d', '6h', {
      severity: 'ticket',
      summary: 'Outcomes are late more often than the objective allows.',
    }),
  ],
}
