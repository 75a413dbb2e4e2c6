import { GOOD_IS_LOW, PLAIN } from './panel.ts'
import type { Dashboard } from './panel.ts'

/** Are cards accepted, and by whom not? For those who talk to Knot, to merchants and to the vault's team. */
export const knot: Dashboard = {
  uid: 'onfile-knot',
  title: 'onfile / Knot and merchants',
  description: 'Pushes, calls to Knot and to the card vault, limits and breakers, and what merchants make of it.',
  rows: [
    {
      title: 'Pushes',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'What Knot answers to a push',
          description: 'Per minute. `ambiguous`: nobody knows; it is looked up, never sent again blindly.',
          unit: 'cpm',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: '60 * sum by (answer) (rate(onfile_calls_total{job=~"$job",system="knot",operation="push"}[$__rate_interval])) > 0',
              legend: '{{answer}}',
            },
          ],
          emptyWhen: 'nothing was pushed',
        },
        {
          kind: 'lines',
          title: 'Time of a push on the wire',
          description: 'From the request to its end.',
          unit: 's',
          width: 12,
          targets: [0.5, 0.95, 0.99].map(share => ({
            expr: `histogram_quantile(${share}, sum by (le) (rate(onfile_push_duration_seconds_bucket{job=~"$job"}[$__rate_interval])))`,
            legend: `${100 * share} %`,
          })),
          emptyWhen: 'nothing was pushed',
        },
      ],
    },
    {
      title: 'Calls',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'Calls to other systems',
          description: 'Per second, by system and operation. `key` counts keys out of the cache too.',
          unit: 'reqps',
          width: 8,
          targets: [
            {
              expr: 'sum by (system, operation) (rate(onfile_calls_total{job=~"$job"}[$__rate_interval]))',
              legend: '{{system}} {{operation}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Slowest of twenty calls',
          description: '95th percentile, with the wait for a connection.',
          unit: 's',
          width: 8,
          targets: [
            {
              expr: 'histogram_quantile(0.95, sum by (system, operation, le) (rate(onfile_call_duration_seconds_bucket{job=~"$job"}[$__rate_interval])))',
              legend: '{{system}} {{operation}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Made again, by cause',
          description: 'Requests that were certainly not accepted and come again within their attempt, per minute.',
          unit: 'cpm',
          width: 8,
          stacked: true,
          targets: [
            {
              expr: '60 * sum by (cause) (rate(onfile_requests_not_accepted_total{job=~"$job"}[$__rate_interval])) > 0',
              legend: '{{cause}}',
            },
          ],
          emptyWhen: 'every request was accepted or refused for good',
        },
      ],
    },
    {
      title: 'Limits and breakers',
      height: 8,
      panels: [
        {
          kind: 'stat',
          title: 'Held back',
          description: 'Reasons for which nothing is pushed: access, an operator.',
          unit: 'none',
          width: 4,
          thresholds: GOOD_IS_LOW(1, 1),
          targets: [{ expr: 'sum(max by (job, reason) (onfile_paused{job=~"$job"}))', legend: 'paused' }],
        },
        {
          kind: 'stat',
          title: 'Breakers open',
          description: 'Of merchants and of Knot, in each role that pushes.',
          unit: 'none',
          width: 4,
          thresholds: GOOD_IS_LOW(1, 5),
          targets: [
            { expr: 'sum(max by (job, role, breaker) (onfile_breaker_state{job=~"$job"}) == bool 2)', legend: 'open' },
          ],
        },
        {
          kind: 'lines',
          title: 'Waiting and under way',
          description: 'By role: what waits for a permit, and what has one. Nothing that waits here has been started.',
          unit: 'short',
          width: 8,
          targets: [
            {
              expr: 'sum by (role, kind) (onfile_provision_waiting{job=~"$job"})',
              legend: '{{role}} waiting: {{kind}}',
            },
            { expr: 'sum by (role) (onfile_provision_permits_in_use{job=~"$job"})', legend: '{{role}} under way' },
            { expr: 'sum(onfile_provision_open_commands{job=~"$job"})', legend: 'in the ledger' },
          ],
        },
        {
          kind: 'lines',
          title: 'Wait for a permit',
          description: '95th percentile: what limits, breakers and pauses cost.',
          unit: 's',
          width: 8,
          targets: [
            {
              expr: 'histogram_quantile(0.95, sum by (role, kind, le) (rate(onfile_provision_wait_seconds_bucket{job=~"$job"}[$__rate_interval])))',
              legend: '{{role}} {{kind}}',
            },
          ],
          emptyWhen: 'nothing asked for a permit',
        },
      ],
    },
    {
      title: 'Merchants',
      height: 9,
      panels: [
        {
          kind: 'table',
          title: 'Outcomes by merchant',
          description: "Over the time of the page, by Knot's merchant id.",
          unit: 'short',
          width: 8,
          columns: ['merchant', 'status'],
          targets: [
            {
              expr: 'sort_desc(sum by (merchant, status) (increase(onfile_merchant_outcomes_total{job=~"$job"}[$__range])) > 0.5)',
              legend: '{{merchant}} {{status}}',
            },
          ],
        },
        {
          kind: 'bars',
          title: 'Switches that failed, by merchant',
          description: 'Share of the results at a merchant that are FAILED, over the time of the page.',
          unit: 'percentunit',
          width: 8,
          targets: [
            {
              expr:
                'topk(10, sum by (merchant) (increase(onfile_merchant_outcomes_total{job=~"$job",status="FAILED"}[$__range])) / ' +
                'sum by (merchant) (increase(onfile_merchant_outcomes_total{job=~"$job",status=~"FAILED|UPDATED"}[$__range])) > 0)',
              legend: 'merchant {{merchant}}',
            },
          ],
          emptyWhen: 'no switch failed',
        },
        {
          kind: 'bars',
          title: 'Why switches fail',
          description: "Knot's reasons over the time of the page. Rows of docs/reasons.md say what follows from each.",
          unit: 'short',
          width: 8,
          targets: [
            {
              expr: 'topk(12, sum by (status, reason) (increase(onfile_outcomes_total{job=~"$job",status=~"FAILED|NEEDS_USER_ACTION"}[$__range]))) > 0',
              legend: '{{status}} {{reason}}',
            },
          ],
          emptyWhen: 'no switch failed',
        },
      ],
    },
    {
      title: 'What became of commands',
      height: 8,
      panels: [
        {
          kind: 'lines',
          title: 'Answers to commands',
          description: 'Per minute. `NOT_SENT`: it was due no more, or the card may not be pushed.',
          unit: 'cpm',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: '60 * sum by (kind, result) (rate(onfile_commands_answered_total{job=~"$job"}[$__rate_interval])) > 0',
              legend: '{{kind}} {{result}}',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Ambiguous, 24 h',
          description: 'Pushes that went out and were not answered.',
          unit: 'short',
          width: 4,
          thresholds: GOOD_IS_LOW(1, 20),
          targets: [
            {
              expr: 'sum(increase(onfile_commands_answered_total{job=~"$job",result="AMBIGUOUS"}[24h]))',
              legend: 'ambiguous',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'No result, 24 h',
          description: 'Attempts that ended without a word of Knot.',
          unit: 'short',
          width: 4,
          thresholds: GOOD_IS_LOW(1, 20),
          targets: [
            {
              expr: 'sum(increase(onfile_outcomes_total{job=~"$job",status="NO_RESULT"}[24h]))',
              legend: 'no result',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Retries waiting',
          description: 'Attempts that wait for their time: a retry, or the gap between two pushes.',
          unit: 'short',
          width: 4,
          thresholds: PLAIN,
          targets: [{ expr: 'sum(onfile_timers_waiting{job=~"$job",kind="switch"})', legend: 'waiting' }],
        },
      ],
    },
  ],
}
