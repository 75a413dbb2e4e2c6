import type { RuleGroup } from './alert.ts'

const TASK = 'by (job, role, topic, partition)'
const ROLE = 'by (job, role)'
const UNFLUSHED_LIMIT_BYTES = 128 * 1024 * 1024

/** Do transactions commit, and is state where it belongs? */
export const state: RuleGroup = {
  name: 'onfile-state',
  rules: [
    {
      name: 'OnfileCommitSlow',
      severity: 'ticket',
      expr: `histogram_quantile(0.99, sum by (job, role, le) (rate(onfile_commit_duration_seconds_bucket[10m]))) > 2`,
      for: '10m',
      summary: 'Commits take long.',
      description: '99 % of the commits of {{ $labels.role }} end within {{ $value | humanizeDuration }}, not faster.',
    },
    {
      name: 'OnfileCommitsInDoubt',
      severity: 'ticket',
      expr: `sum ${ROLE} (increase(onfile_reconciles_total{result!="lost"}[15m])) > 10`,
      summary: 'Answers to commits get lost.',
      description:
        '{{ $value | printf "%.0f" }} commits of {{ $labels.role }} were in doubt in 15 minutes. Each was looked up and nothing ' +
        'is lost or doubled; it costs time.',
    },
    {
      name: 'OnfileCommitsLost',
      severity: 'ticket',
      expr: `sum ${ROLE} (increase(onfile_transactions_total{result="lost"}[30m])) > 3`,
      summary: 'Instances take partitions from each other.',
      description:
        '{{ $value | printf "%.0f" }} transactions of {{ $labels.role }} ended without a commit in 30 minutes. Nothing is lost: ' +
        'the next owner does them again.',
    },
    {
      name: 'OnfileRestoreStalled',
      severity: 'page',
      expr:
        `max ${TASK} (onfile_state_restore_remaining_records) > 0 and ` +
        `max ${TASK} (changes(onfile_state_restored_records[10m])) == 0`,
      for: '5m',
      summary: 'A partition cannot restore its state.',
      description:
        '{{ $labels.role }} {{ $labels.topic }}-{{ $labels.partition }} has {{ $value }} records to restore and has read none ' +
        'for 10 minutes.',
    },
    {
      name: 'OnfileStoreNotWritten',
      severity: 'ticket',
      expr: `max ${TASK} (onfile_store_unflushed_bytes) > ${UNFLUSHED_LIMIT_BYTES}`,
      for: '5m',
      summary: 'The local store does not take what is committed.',
      description:
        '{{ $value | humanize1024 }}B of {{ $labels.role }} {{ $labels.topic }}-{{ $labels.partition }} are not on disk. They are ' +
        'safe in the changelog; at 256 MiB the task stops.',
    },
    {
      name: 'OnfileStoreFlushErrors',
      severity: 'ticket',
      expr: `sum ${ROLE} (increase(onfile_store_flush_errors_total[15m])) > 3`,
      for: '5m',
      summary: 'Writes into the local store fail.',
      description:
        '{{ $value | printf "%.0f" }} writes of {{ $labels.role }} into its local store failed in 15 minutes. The changes are safe ' +
        'in the changelog; a restart takes longer, and at 256 MiB the task stops.',
    },
  ],
}
