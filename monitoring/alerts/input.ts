import type { RuleGroup } from './alert.ts'

/** Can what comes in be read, and does everything come? */
export const input: RuleGroup = {
  name: 'onfile-input',
  rules: [
    {
      name: 'OnfileCardNumberOnBus',
      severity: 'page',
      expr: 'sum by (job, topic) (increase(onfile_dlq_records_total{reason="contains_pan"}[1h])) > 0',
      summary: 'A record on the bus holds a card number.',
      description:
        '{{ $value | printf "%.0f" }} records of {{ $labels.topic }} hold a card number. onfile keeps only their positions; the ' +
        "topic itself still has them. Where it is onfile's own (onfile-user-events) delete nothing from it: an order that stops " +
        'something may have had no effect, and must then be given again at once.',
    },
    {
      name: 'OnfileDeadLetters',
      severity: 'ticket',
      expr: 'sum by (job, topic, reason) (increase(onfile_dlq_records_total{reason!="contains_pan"}[1h])) > 0',
      summary: 'Records could not be processed.',
      description:
        '{{ $value | printf "%.0f" }} records of {{ $labels.topic }} went to the dead letters in an hour: {{ $labels.reason }}.',
    },
    {
      name: 'OnfileDeadLetterRatio',
      severity: 'page',
      expr:
        'sum by (job, topic) (increase(onfile_dlq_records_total[15m])) / (sum by (job, topic) ' +
        '(increase(onfile_dlq_records_total[15m])) + sum by (job, topic) (increase(onfile_records_forwarded_total[15m]))) > 0.05 ' +
        'and on (job, topic) sum by (job, topic) (increase(onfile_dlq_records_total[15m])) >= 20',
      summary: 'Much of a topic cannot be processed: its producer has changed something.',
      description: '{{ $value | humanizePercentage }} of {{ $labels.topic }} went to the dead letters in 15 minutes.',
    },
    {
      name: 'OnfileWebhooksSilent',
      severity: 'page',
      expr:
        'sum by (job) (increase(onfile_outcomes_total{status="ACCEPTED",reason="accepted"}[1h])) > 20 and ' +
        'sum by (job) (increase(onfile_records_forwarded_total{kind="knot"}[1h])) == 0',
      for: '15m',
      summary: 'Knot accepts cards, and no webhook comes.',
      description:
        'Knot accepted {{ $value | printf "%.0f" }} cards in an hour and not one of its webhooks has arrived: results will be ' +
        'NO_RESULT.',
    },
  ],
}
