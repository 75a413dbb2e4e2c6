import type { AlertCase } from './alertCase.ts'

const TASK = 'job="onfile",instance="a:9400",role="decide",topic="onfile-user-events",partition="3"'
const TASK_LABELS = { job: 'onfile', role: 'decide', topic: 'onfile-user-events', partition: '3' }
const ROLE = 'job="onfile",instance="a:9400",role="decide"'
const ROLE_LABELS = { job: 'onfile', role: 'decide' }

/** Freshness of one process: so many outcomes a sample, and so many of them in time. */
function outcomes(perSample: number, inTime: number, samples: number): Record<string, string> {
  const labels = 'job="onfile",instance="a:9400",topic="card-lifecycle",path="decided"'
  return {
    [`onfile_outcome_freshness_seconds_count{${labels}}`]: `0+${perSample}x${samples}`,
    [`onfile_outcome_freshness_seconds_bucket{${labels},le="10"}`]: `0+${inTime}x${samples}`,
  }
}

/** Four days of quarters of an hour. */
const FOUR_DAYS = 4 * 24 * 4

export const STATE_CASES: readonly AlertCase[] = [
  {
    alert: 'OnfileFreshnessBurnFast',
    what: 'a fifth of the outcomes is late',
    series: outcomes(10, 8, 120),
    at: '90m',
    fires: {
      labels: { job: 'onfile' },
      description:
        "20% of the outcomes of the last 1h came more than 10 s after the issuer's record (objective: 99 % within).",
    },
  },
  {
    alert: 'OnfileFreshnessBurnFast',
    what: 'a fifth is late, of one outcome a minute: too few to say anything',
    series: outcomes(1, 0.8, 120),
    at: '90m',
    fires: null,
  },
  {
    alert: 'OnfileFreshnessBurnFast',
    what: 'it was late half an hour ago and is in time again',
    series: {
      'onfile_outcome_freshness_seconds_count{job="onfile",topic="t",path="decided"}': '0+10x120',
      'onfile_outcome_freshness_seconds_bucket{job="onfile",topic="t",path="decided",le="10"}': '0x60 10+10x60',
    },
    at: '90m',
    fires: null,
  },
  {
    alert: 'OnfileFreshnessBurnFast',
    what: 'one in a hundred is late: that is the objective',
    series: outcomes(100, 99, 120),
    at: '90m',
    fires: null,
  },
  {
    alert: 'OnfileFreshnessBurnSlow',
    what: 'a tenth is late, for hours',
    series: outcomes(10, 9, 500),
    at: '420m',
    fires: {
      labels: { job: 'onfile' },
      description:
        "10% of the outcomes of the last 6h came more than 10 s after the issuer's record (objective: 99 % within).",
    },
  },
  {
    alert: 'OnfileFreshnessBurnSlow',
    what: 'three in a hundred are late',
    series: outcomes(100, 97, 500),
    at: '420m',
    fires: null,
  },
  {
    alert: 'OnfileFreshnessBudget',
    what: 'two in a hundred are late, for days',
    series: outcomes(100, 98, FOUR_DAYS),
    sample: '15m',
    at: '80h',
    fires: {
      labels: { job: 'onfile' },
      description:
        "2% of the outcomes of the last 3d came more than 10 s after the issuer's record (objective: 99 % within).",
    },
  },
  {
    alert: 'OnfileFreshnessBudget',
    what: 'one in two hundred is late',
    series: outcomes(200, 199, FOUR_DAYS),
    sample: '15m',
    at: '80h',
    fires: null,
  },
  {
    alert: 'OnfileCommitSlow',
    what: 'every commit takes between 2.5 and 5 s',
    series: {
      [`onfile_commit_duration_seconds_bucket{${ROLE},le="2.5"}`]: '0x40',
      [`onfile_commit_duration_seconds_bucket{${ROLE},le="5"}`]: '0+10x40',
      [`onfile_commit_duration_seconds_bucket{${ROLE},le="+Inf"}`]: '0+10x40',
    },
    at: '30m',
    fires: { labels: ROLE_LABELS, description: '99 % of the commits of decide end within 4.975s, not faster.' },
  },
  {
    alert: 'OnfileCommitSlow',
    what: 'commits within 100 ms',
    series: {
      [`onfile_commit_duration_seconds_bucket{${ROLE},le="0.1"}`]: '0+10x40',
      [`onfile_commit_duration_seconds_bucket{${ROLE},le="+Inf"}`]: '0+10x40',
    },
    at: '30m',
    fires: null,
  },
  {
    alert: 'OnfileCommitsInDoubt',
    what: 'a lossy network: two a minute',
    series: {
      [`onfile_reconciles_total{${ROLE},result="resent"}`]: '0+1x40',
      [`onfile_reconciles_total{${ROLE},result="found-committed"}`]: '0+1x40',
    },
    at: '30m',
    fires: {
      labels: ROLE_LABELS,
      description:
        '30 commits of decide were in doubt in 15 minutes. Each was looked up and nothing is lost or doubled; it costs time.',
    },
  },
  {
    alert: 'OnfileCommitsInDoubt',
    what: 'a broker restarts: four tasks in doubt, once',
    series: { [`onfile_reconciles_total{${ROLE},result="resent"}`]: '0x20 4x20' },
    at: '30m',
    fires: null,
  },
  {
    alert: 'OnfileCommitsLost',
    what: 'two instances with one instance id',
    series: { [`onfile_transactions_total{${ROLE},result="lost"}`]: '0+0.5x40' },
    at: '35m',
    fires: {
      labels: ROLE_LABELS,
      description:
        '15 transactions of decide ended without a commit in 30 minutes. Nothing is lost: the next owner does them again.',
    },
  },
  {
    alert: 'OnfileCommitsLost',
    what: 'one takeover, many commits',
    series: {
      [`onfile_transactions_total{${ROLE},result="lost"}`]: '0x10 1x30',
      [`onfile_transactions_total{${ROLE},result="committed"}`]: '0+600x40',
    },
    at: '35m',
    fires: null,
  },
  {
    alert: 'OnfileRestoreStalled',
    what: 'the changelog does not come',
    series: {
      [`onfile_state_restore_remaining_records{${TASK}}`]: '4000x40',
      [`onfile_state_restored_records{${TASK}}`]: '100x40',
    },
    at: '20m',
    fires: {
      labels: TASK_LABELS,
      description: 'decide onfile-user-events-3 has 4000 records to restore and has read none for 10 minutes.',
    },
  },
  {
    alert: 'OnfileRestoreStalled',
    what: 'a long restore that gets on',
    series: {
      [`onfile_state_restore_remaining_records{${TASK}}`]: '40000-100x40',
      [`onfile_state_restored_records{${TASK}}`]: '100+100x40',
    },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileStoreNotWritten',
    what: 'a full disk',
    series: { [`onfile_store_unflushed_bytes{${TASK}}`]: '0+16777216x40' },
    at: '20m',
    fires: {
      labels: TASK_LABELS,
      description:
        '320MiB of decide onfile-user-events-3 are not on disk. They are safe in the changelog; at 256 MiB the task stops.',
    },
  },
  {
    alert: 'OnfileStoreNotWritten',
    what: 'what is gathered between two writes',
    series: { [`onfile_store_unflushed_bytes{${TASK}}`]: '0 33554432 0 67108864 0 16777216x30' },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileStoreFlushErrors',
    what: 'a volume that became read-only',
    series: { [`onfile_store_flush_errors_total{${ROLE}}`]: '0+2x40' },
    at: '30m',
    fires: {
      labels: ROLE_LABELS,
      description:
        '30 writes of decide into its local store failed in 15 minutes. The changes are safe in the changelog; a restart takes ' +
        'longer, and at 256 MiB the task stops.',
    },
  },
  {
    alert: 'OnfileStoreFlushErrors',
    what: 'two that failed once, hours ago',
    series: { [`onfile_store_flush_errors_total{${ROLE}}`]: '0x5 2x200' },
    at: '180m',
    fires: null,
  },
]
