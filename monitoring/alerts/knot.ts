import type { RuleGroup } from './alert.ts'

/** Can cards be pushed? */
export const knot: RuleGroup = {
  name: 'onfile-knot',
  rules: [
    {
      name: 'OnfilePaused',
      severity: 'page',
      expr: 'max by (job, role, reason) (onfile_paused{reason!="operator"}) == 1',
      for: '2m',
      summary: 'No card is pushed: access is refused, or the switch or the suppressions cannot be read.',
      description:
        '{{ $labels.role }} pushes nothing ({{ $labels.reason }}). ' +
        '{{ if eq $labels.role "switcher" }}Links are lost: each ends as window_missed after 14 s.' +
        '{{ else }}Nothing is lost; what is due waits.{{ end }}',
    },
    {
      name: 'OnfilePausedByOperator',
      severity: 'ticket',
      expr: 'max by (job, role) (onfile_paused{reason="operator"}) == 1',
      for: '1h',
      summary: 'No card is pushed: an operator has stopped it, an hour ago or more.',
      description:
        '{{ $labels.role }} has been stopped by an operator for more than an hour.' +
        '{{ if eq $labels.role "switcher" }} Links are lost: each ends as window_missed after 14 s.{{ end }}',
    },
    {
      name: 'OnfileOutage',
      severity: 'page',
      expr: 'max by (job, system) (onfile_outage) == 1',
      for: '10m',
      summary: 'A system that onfile calls does not answer.',
      description: '{{ $labels.system }} has failed each time that it was called for 10 minutes. What needs it waits.',
    },
    {
      name: 'OnfileKnotBreakerOpen',
      severity: 'page',
      expr: 'max by (job, role) (onfile_breaker_state{breaker="knot"}) == 2',
      for: '5m',
      summary: 'Knot fails so often that pushes wait.',
      description:
        'The breaker of Knot has been open for 5 minutes: {{ $labels.role }} pushes no card, to any merchant.',
    },
    {
      name: 'OnfileMerchantBreakerOpen',
      severity: 'ticket',
      expr: 'max by (job, role, breaker) (onfile_breaker_state{breaker!="knot"}) == 2',
      for: '30m',
      summary: 'A merchant fails so often that its pushes wait.',
      description:
        'The breaker of merchant {{ $labels.breaker }} in {{ $labels.role }} has been open for 30 minutes; the others go on.',
    },
    {
      name: 'OnfileOpenCommandsHigh',
      severity: 'ticket',
      expr:
        'max by (job, partition) (onfile_provision_open_commands) / on (job) group_left () ' +
        'min by (job) (onfile_provision_limit{limit="open_commands"}) > 0.8',
      for: '10m',
      summary: 'PROVISION has more to do than it gets done.',
      description:
        'Partition {{ $labels.partition }} holds {{ $value | humanizePercentage }} of the open commands that it may have (provision.openCommands); at all of them its input stops.',
    },
    {
      name: 'OnfileAmbiguousPushes',
      severity: 'ticket',
      expr: 'sum by (job) (increase(onfile_commands_answered_total{kind="SWITCH",result="AMBIGUOUS"}[1h])) > 5',
      summary: 'Nobody knows whether some pushes arrived.',
      description: '{{ $value | printf "%.0f" }} pushes of the last hour went on the wire and were not answered.',
    },
    {
      name: 'OnfilePushesRejected',
      severity: 'ticket',
      expr:
        'sum by (job, reason) (increase(onfile_outcomes_total{status="REJECTED",' +
        'reason=~"invalid_field|invalid_jwe|unknown_error|invalid_card_data"}[1h])) > 5',
      summary: 'Cards are refused for a reason of ours.',
      description: '{{ $value | printf "%.0f" }} pushes of the last hour were refused: {{ $labels.reason }}.',
    },
    {
      name: 'OnfileNoResult',
      severity: 'ticket',
      expr: 'sum by (job) (increase(onfile_outcomes_total{status="NO_RESULT"}[6h])) > 5',
      summary: 'Pushes end without a result.',
      description: '{{ $value | printf "%.0f" }} attempts of the last 6 hours ended without a word of Knot.',
    },
    {
      name: 'OnfileUnknownReason',
      severity: 'ticket',
      expr: 'sum by (job) (increase(onfile_outcomes_total{status="FAILED",reason="unknown_reason"}[1h])) > 0',
      summary: 'Knot gives a reason that is not in the table.',
      description:
        '{{ $value | printf "%.0f" }} attempts of the last hour failed for a reason that onfile does not know.',
    },
    {
      name: 'OnfileMerchantFailing',
      severity: 'ticket',
      expr:
        'sum by (job, merchant) (increase(onfile_merchant_outcomes_total{status="FAILED"}[6h])) / sum by (job, merchant) ' +
        '(increase(onfile_merchant_outcomes_total{status=~"FAILED|UPDATED"}[6h])) > 0.5 and on (job, merchant) ' +
        'sum by (job, merchant) (increase(onfile_merchant_outcomes_total{status=~"FAILED|UPDATED"}[6h])) >= 20',
      summary: 'Most switches at one merchant fail.',
      description:
        '{{ $value | humanizePercentage }} of the switches at merchant {{ $labels.merchant }} failed in 6 hours.',
    },
  ],
}
