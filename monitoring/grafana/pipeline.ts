import type { Dashboard, Target } from './panel.ts'

function quantiles(metric: string, by: string, shares: readonly number[] = [0.5, 0.99]): Target[] {
  return shares.map(share => ({
    expr: `histogram_quantile(${share}, sum by (${by}, le) (rate(${metric}_bucket{job=~"$job"}[$__rate_interval])))`,
    legend: `{{${by}}} ${100 * share} %`,
  }))
}

/** Where does a record wait? For those who run onfile. */
export const pipeline: Dashboard = {
  uid: 'onfile-pipeline',
  title: 'onfile / Pipeline',
  description: 'From the bus through INGEST, DECIDE and PROVISION: throughput, lag, transactions, state.',
  rows: [
    {
      title: 'Throughput',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'Records by role',
          description: 'Input records per second whose effect is committed.',
          unit: 'cps',
          width: 8,
          targets: [
            {
              expr: 'sum by (role) (rate(onfile_records_processed_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{role}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'What INGEST makes of its input',
          description: 'Per minute: forwarded to a user, ignored because it concerns no card, dead letter.',
          unit: 'cpm',
          width: 8,
          stacked: true,
          targets: [
            {
              expr: '60 * sum by (topic) (rate(onfile_records_forwarded_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{topic}} forwarded',
            },
            {
              expr: '60 * sum by (topic) (rate(onfile_records_ignored_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{topic}} ignored',
            },
            {
              expr: '60 * sum by (topic) (rate(onfile_dlq_records_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{topic}} dead letters',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Commands',
          description: 'What DECIDE gives to PROVISION, per minute.',
          unit: 'cpm',
          width: 8,
          targets: [
            {
              expr: '60 * sum by (kind) (rate(onfile_commands_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{kind}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Lag',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'Lag by partition, seconds',
          description:
            'Age of the oldest record that is not committed. One line that rises alone is a stuck partition.',
          unit: 's',
          width: 12,
          targets: [
            {
              expr: 'topk(10, max by (role, topic, partition) (onfile_consumer_lag_seconds{job=~"$job"}))',
              legend: '{{role}} {{topic}}-{{partition}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Lag by role, records',
          description: 'Offsets between what is committed and the last stable offset. 0 when caught up.',
          unit: 'short',
          width: 12,
          stacked: true,
          targets: [{ expr: 'sum by (role) (onfile_consumer_lag_records{job=~"$job"})', legend: '{{role}}' }],
        },
        {
          kind: 'heatmap',
          title: 'How old are outcomes?',
          description:
            "From the issuer's append to the commit of the outcome, as a distribution: two bands are two ways.",
          unit: 's',
          width: 12,
          targets: [
            {
              expr: 'sum by (le) (increase(onfile_outcome_freshness_seconds_bucket{job=~"$job"}[$__rate_interval]))',
              legend: '{{le}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Time within one role',
          description: 'From the append of a record to the commit of its processing, oldest record of each cycle.',
          unit: 's',
          width: 12,
          targets: quantiles('onfile_record_end_to_end_duration_seconds', 'role'),
        },
      ],
    },
    {
      title: 'Transactions',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'Commit latency',
          description: 'Three requests to the brokers, and what a doubt about one costs.',
          unit: 's',
          width: 8,
          targets: quantiles('onfile_commit_duration_seconds', 'role'),
        },
        {
          kind: 'lines',
          title: 'Transactions by role',
          description: 'Commit cycles per second. Idle tasks have none.',
          unit: 'cps',
          width: 8,
          targets: [
            {
              expr: 'sum by (role) (rate(onfile_transactions_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{role}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'In doubt, or lost',
          description:
            'Commits whose answer was lost: found committed, sent again, or lost to another owner. None of them loses or doubles a record.',
          unit: 'cpm',
          width: 8,
          stacked: true,
          targets: [
            {
              expr: '60 * sum by (role, result) (rate(onfile_reconciles_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{role}} {{result}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Tasks and state',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'Tasks by state',
          description: 'One task per input partition. All should be `running`.',
          unit: 'none',
          width: 8,
          stacked: true,
          targets: [{ expr: 'sum by (state) (onfile_task_state{job=~"$job"}) > 0', legend: '{{state}}' }],
        },
        {
          kind: 'lines',
          title: 'Tasks that wait',
          description: 'They do not go on by themselves; /readyz says what they wait for.',
          unit: 'none',
          width: 8,
          targets: [{ expr: 'sum by (role) (onfile_task_waiting{job=~"$job"})', legend: '{{role}}' }],
        },
        {
          kind: 'lines',
          title: 'Still to restore',
          description: 'Changelog records. It must fall; while it is not 0 the partition does nothing.',
          unit: 'short',
          width: 8,
          targets: [
            {
              expr: 'sum by (role) (onfile_state_restore_remaining_records{job=~"$job"})',
              legend: '{{role}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'What waits for its time',
          description:
            '`switch`: attempts that wait for a retry or a gap; `vault`: cards that the vault does not have yet; `soft`, `hard`: deadlines; `wake`: requests that were not accepted.',
          unit: 'short',
          width: 8,
          targets: [{ expr: 'sum by (kind) (onfile_timers_waiting{job=~"$job"})', legend: '{{kind}}' }],
        },
        {
          kind: 'lines',
          title: 'Not in the local store yet',
          description: 'Committed changes, safe in the changelog. Grows only when the disk does not take them.',
          unit: 'bytes',
          width: 8,
          targets: [{ expr: 'sum by (role) (onfile_store_unflushed_bytes{job=~"$job"})', legend: '{{role}}' }],
        },
        {
          kind: 'lines',
          title: 'Local store: writes',
          description: 'Bytes written, and bytes of old segments walked through to free what is stale in them.',
          unit: 'Bps',
          width: 8,
          targets: [
            {
              expr: 'sum by (role) (rate(onfile_store_written_bytes_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{role}} written',
            },
            {
              expr: 'sum by (role) (rate(onfile_store_reclaimed_bytes_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{role}} walked through',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Local store: time of a write, 99 %',
          description: 'Nothing waits for it but memory. Writes that fail: alert OnfileStoreFlushErrors.',
          unit: 's',
          width: 8,
          targets: [
            {
              expr: 'histogram_quantile(0.99, sum by (role, le) (rate(onfile_store_flush_duration_seconds_bucket{job=~"$job"}[$__rate_interval])))',
              legend: '{{role}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Assignments',
          description: 'Rebalances of each role per hour. Partitions that stay keep working through one.',
          unit: 'none',
          width: 8,
          targets: [
            {
              expr: 'sum by (role) (increase(onfile_consumer_rebalances_total{job=~"$job"}[1h]))',
              legend: '{{role}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Processes',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'CPU',
          description: 'Cores in use. One process uses little more than one.',
          unit: 'short',
          width: 6,
          targets: [
            {
              expr: 'rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval]) and on (job, instance) onfile_build_info',
              legend: '{{instance}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Memory',
          description: 'Resident: heap, buffers and state.',
          unit: 'bytes',
          width: 6,
          targets: [
            {
              expr: 'process_resident_memory_bytes{job=~"$job"} and on (job, instance) onfile_build_info',
              legend: '{{instance}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Event loop, late by',
          description: '99th percentile. Near a second heartbeats become late.',
          unit: 's',
          width: 6,
          targets: [
            {
              expr: 'nodejs_eventloop_lag_p99_seconds{job=~"$job"} and on (job, instance) onfile_build_info',
              legend: '{{instance}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Partitions by instance',
          description: 'How the work is spread.',
          unit: 'none',
          width: 6,
          stacked: true,
          targets: [
            {
              expr: 'sum by (instance, role) (onfile_consumer_assigned_partitions{job=~"$job"})',
              legend: '{{instance}} {{role}}',
            },
          ],
        },
      ],
    },
    {
      title: 'What it stands on',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'Behind open transactions',
          description: 'Records that a producer hides by a transaction that it has not ended. No lag shows them.',
          unit: 'short',
          width: 6,
          targets: [
            {
              expr: 'sum by (role, topic) (onfile_input_blocked_records{job=~"$job"})',
              legend: '{{role}} {{topic}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Local state on disk',
          description: 'A copy of the changelogs. It grows to at most twice what is live, then stays.',
          unit: 'bytes',
          width: 6,
          stacked: true,
          targets: [
            {
              expr: 'sum by (instance, role) (onfile_state_store_bytes{job=~"$job"})',
              legend: '{{instance}} {{role}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Volume of the state, free',
          description: 'Below nothing left, changes stay in memory, then tasks stop. Alert: OnfileVolumeFillsIn24h.',
          unit: 'percentunit',
          width: 6,
          targets: [
            {
              expr: 'onfile_state_volume_free_bytes{job=~"$job"} / onfile_state_volume_size_bytes{job=~"$job"}',
              legend: '{{instance}}',
            },
          ],
        },
        {
          kind: 'bars',
          title: 'Certificates: time left',
          description:
            'Of what onfile shows, and of the authorities that vouch for the others. Below 14 days: OnfileCertificateExpires.',
          unit: 's',
          width: 6,
          emptyWhen: 'no certificate is set',
          targets: [
            {
              expr: 'min by (system, certificate) (onfile_certificate_not_after_timestamp_seconds{job=~"$job"}) - time()',
              legend: '{{system}} {{certificate}}',
            },
          ],
        },
      ],
    },
  ],
}
