import { FRESH_SHARE, FRESH_WITHIN_SECONDS } from '../alerts/freshness.ts'
import { GOOD_IS_HIGH, GOOD_IS_LOW, PLAIN } from './panel.ts'
import type { Dashboard } from './panel.ts'

const FRESH = `onfile_outcome_freshness_seconds_bucket{job=~"$job",le="${FRESH_WITHIN_SECONDS}"}`
const COUNT = 'onfile_outcome_freshness_seconds_count{job=~"$job"}'

/** Green: a card is or becomes current. Red: it is not. Grey: nothing had to be done. */
const STATUS_COLOURS = {
  UPDATED: '#73bf69',
  ACCEPTED: '#5794f2',
  RETRY_SCHEDULED: '#8ab8ff',
  FAILED: '#f2495c',
  NO_RESULT: '#ff7383',
  REJECTED: '#c4162a',
  NEEDS_USER_ACTION: '#ff9830',
  SUPPRESSED: '#b877d9',
  CANCELLED: '#8f6bb3',
  HELD: '#f2cc0c',
  SKIPPED: '#7b7f88',
  EXTERNAL: '#56d2c2',
}

/** Is it well, and does it do what it is for? For everybody; the first page of an incident. */
export const overview: Dashboard = {
  uid: 'onfile-overview',
  title: 'onfile / Overview',
  description:
    'Is onfile well, and are outcomes in time? From here to Pipeline (where it is slow) and to Knot and merchants.',
  rows: [
    {
      title: 'Now',
      height: 4,
      panels: [
        {
          kind: 'stat',
          title: 'In time',
          description: `Outcomes within ${FRESH_WITHIN_SECONDS} s of the issuer's record, over the last hour. The objective is ${100 * FRESH_SHARE} %.`,
          unit: 'percentunit',
          width: 3,
          thresholds: GOOD_IS_HIGH(FRESH_SHARE - 0.04, FRESH_SHARE),
          targets: [{ expr: `sum(increase(${FRESH}[1h])) / sum(increase(${COUNT}[1h]))`, legend: 'in time' }],
        },
        {
          kind: 'stat',
          title: 'Furthest behind',
          description: 'Age of the oldest record that no role has committed yet. 0: everything is caught up.',
          unit: 's',
          width: 3,
          thresholds: GOOD_IS_LOW(60, 300),
          targets: [{ expr: 'max(onfile_consumer_lag_seconds{job=~"$job"})', legend: 'lag' }],
        },
        {
          kind: 'stat',
          title: 'Tasks not running',
          description:
            'Partitions that are being taken over, restored, or have failed. Some while instances start or stop.',
          unit: 'none',
          width: 3,
          thresholds: GOOD_IS_LOW(1, 4),
          targets: [
            {
              expr: 'sum(onfile_consumer_assigned_partitions{job=~"$job"}) - sum(onfile_task_state{job=~"$job",state="running"})',
              legend: 'not running',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Without an owner',
          description: 'Partitions of input topics that no process has.',
          unit: 'none',
          width: 3,
          thresholds: GOOD_IS_LOW(1, 1),
          targets: [
            {
              expr:
                'sum(max by (job, role, topic) (onfile_input_partitions{job=~"$job"})) - ' +
                'sum(onfile_consumer_assigned_partitions{job=~"$job"})',
              legend: 'unowned',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Pushes held back',
          description:
            'Reasons for which nothing is pushed: access refused, stopped by an operator, breaker of Knot open.',
          unit: 'none',
          width: 3,
          thresholds: GOOD_IS_LOW(1, 1),
          targets: [
            {
              expr:
                'sum(max by (job, reason) (onfile_paused{job=~"$job"})) + ' +
                'sum(max by (job) (onfile_breaker_state{job=~"$job",breaker="knot"}) == bool 2)',
              legend: 'held back',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Systems failing',
          description: 'Of Knot, the card vault, the directory and the registry: those whose last call failed.',
          unit: 'none',
          width: 3,
          thresholds: GOOD_IS_LOW(1, 2),
          targets: [{ expr: 'sum(max by (job, system) (onfile_outage{job=~"$job"}))', legend: 'failing' }],
        },
        {
          kind: 'stat',
          title: 'Dead letters, 24 h',
          description: 'Records that could not be processed. Each is a cardholder whose event did nothing.',
          unit: 'short',
          width: 3,
          thresholds: GOOD_IS_LOW(1, 100),
          targets: [{ expr: 'sum(increase(onfile_dlq_records_total{job=~"$job"}[24h]))', legend: 'dead letters' }],
        },
        {
          kind: 'stat',
          title: 'Instances',
          description: 'Processes that Prometheus sees.',
          unit: 'none',
          width: 3,
          thresholds: PLAIN,
          targets: [{ expr: 'count(onfile_build_info{job=~"$job"})', legend: 'instances' }],
        },
      ],
    },
    {
      title: 'What happens to cards',
      height: 9,
      panels: [
        {
          kind: 'lines',
          title: 'Outcomes by status',
          description:
            'What onfile tells every downstream team, per minute. The mix is the fastest way to see that something is different today.',
          unit: 'cpm',
          width: 12,
          stacked: true,
          colours: STATUS_COLOURS,
          targets: [
            {
              expr: '60 * sum by (status) (rate(onfile_outcomes_total{job=~"$job"}[$__rate_interval])) > 0',
              legend: '{{status}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'How old is an outcome?',
          description:
            "From the issuer's append to the commit of the outcome: `decided` at once, `pushed` by way of Knot. The dashed line is the target.",
          unit: 's',
          width: 12,
          thresholds: [
            { from: null, colour: 'text' },
            { from: FRESH_WITHIN_SECONDS, colour: 'red' },
          ],
          targets: [0.5, 0.95, 0.99].map(share => ({
            expr: `histogram_quantile(${share}, sum by (path, le) (rate(onfile_outcome_freshness_seconds_bucket{job=~"$job"}[$__rate_interval])))`,
            legend: `{{path}} ${100 * share} %`,
          })),
        },
        {
          kind: 'bars',
          title: 'Why cards end as they do',
          description: 'Outcomes by status and reason over the time of the page, the most frequent ones.',
          unit: 'short',
          width: 12,
          targets: [
            {
              expr: 'topk(12, sum by (status, reason) (increase(onfile_outcomes_total{job=~"$job"}[$__range]))) > 0',
              legend: '{{status}} {{reason}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Late outcomes against the budget',
          description: `How many times faster than allowed the error budget is used (1 = exactly the objective of ${100 * FRESH_SHARE} %). Pages at 14.4 and 6.`,
          unit: 'none',
          width: 12,
          thresholds: [
            { from: null, colour: 'text' },
            { from: 6, colour: 'orange' },
            { from: 14.4, colour: 'red' },
          ],
          targets: ['5m', '1h', '6h'].map(window => ({
            expr: `(1 - sum(rate(${FRESH}[${window}])) / sum(rate(${COUNT}[${window}]))) / ${Number((1 - FRESH_SHARE).toFixed(4))}`,
            legend: `over ${window}`,
          })),
        },
      ],
    },
    {
      title: 'What needs somebody',
      height: 8,
      panels: [
        {
          kind: 'table',
          title: 'Alerts',
          description: 'Those of onfile that fire or are about to. Each has a page in docs/runbooks.',
          unit: 'none',
          width: 12,
          columns: ['alertname', 'alertstate', 'severity', 'role'],
          targets: [{ expr: 'ALERTS{alertname=~"Onfile.+"}', legend: '{{alertname}}' }],
          emptyWhen: 'no alert fires',
        },
        {
          kind: 'lines',
          title: 'Dead letters by reason',
          description: 'Records that could not be processed, per minute. `contains_pan` is for the security officer.',
          unit: 'cpm',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: '60 * sum by (reason) (rate(onfile_dlq_records_total{job=~"$job"}[$__rate_interval])) > 0',
              legend: '{{reason}}',
            },
          ],
          emptyWhen: 'no record was unreadable',
        },
        {
          kind: 'lines',
          title: 'Lag of the worst partition',
          description: 'By role: where records wait. INGEST: on the bus. DECIDE, PROVISION: inside of onfile.',
          unit: 's',
          width: 8,
          targets: [{ expr: 'max by (role) (onfile_consumer_lag_seconds{job=~"$job"})', legend: '{{role}}' }],
        },
        {
          kind: 'lines',
          title: 'Suppressions in force',
          description: 'What must not be pushed, by reason. A scope that is suppressed for two reasons counts twice.',
          unit: 'short',
          width: 8,
          stacked: true,
          targets: [{ expr: 'sum by (reason) (onfile_suppressions_active{job=~"$job"})', legend: '{{reason}}' }],
        },
        {
          kind: 'lines',
          title: 'Suppressions written',
          description: 'Per minute: `ACTIVE` stops pushes (opt-out, closed, hold, operator), `LIFTED` ends a stop.',
          unit: 'cpm',
          width: 8,
          stacked: true,
          targets: [
            {
              expr: '60 * sum by (state, reason) (rate(onfile_suppressions_total{job=~"$job"}[$__rate_interval])) > 0',
              legend: '{{state}} {{reason}}',
            },
          ],
          emptyWhen: 'nothing was suppressed or lifted',
        },
      ],
    },
  ],
}
