import type { AlertCase } from './alertCase.ts'

const JOB = 'job="onfile",instance="a:9400"'
const ONFILE = { job: 'onfile' }
const TOPIC = `${JOB},topic="card-lifecycle"`

export const INPUT_CASES: readonly AlertCase[] = [
  {
    alert: 'OnfileCardNumberOnBus',
    what: 'the very first record of that kind',
    series: { [`onfile_dlq_records_total{${TOPIC},reason="contains_pan"}`]: '0x59 1x30' },
    at: '70m',
    fires: {
      labels: { ...ONFILE, topic: 'card-lifecycle' },
      description:
        '1 records of card-lifecycle hold a card number. onfile keeps only their positions; the topic itself still has them. ' +
        "Where it is onfile's own (onfile-user-events) delete nothing from it: an order that stops something may have had no " +
        'effect, and must then be given again at once.',
    },
  },
  {
    alert: 'OnfileCardNumberOnBus',
    what: 'other dead letters',
    series: {
      [`onfile_dlq_records_total{${TOPIC},reason="contains_pan"}`]: '0x90',
      [`onfile_dlq_records_total{${TOPIC},reason="invalid_json"}`]: '0+5x90',
    },
    at: '70m',
    fires: null,
  },
  {
    alert: 'OnfileDeadLetters',
    what: 'three records that are no JSON',
    series: { [`onfile_dlq_records_total{${TOPIC},reason="invalid_json"}`]: '0x49 3x60' },
    at: '70m',
    fires: {
      labels: { ...ONFILE, topic: 'card-lifecycle', reason: 'invalid_json' },
      description: '3 records of card-lifecycle went to the dead letters in an hour: invalid_json.',
    },
  },
  {
    alert: 'OnfileDeadLetters',
    what: 'dead letters of yesterday',
    series: { [`onfile_dlq_records_total{${TOPIC},reason="invalid_json"}`]: '7x90' },
    at: '70m',
    fires: null,
  },
  {
    alert: 'OnfileDeadLetterRatio',
    what: 'the producer has another format: half of it cannot be read',
    series: {
      [`onfile_dlq_records_total{${TOPIC},reason="schema_violation"}`]: '0+10x40',
      [`onfile_records_forwarded_total{${TOPIC},kind="lifecycle"}`]: '0+10x40',
    },
    at: '30m',
    fires: {
      labels: { ...ONFILE, topic: 'card-lifecycle' },
      description: '50% of card-lifecycle went to the dead letters in 15 minutes.',
    },
  },
  {
    alert: 'OnfileDeadLetterRatio',
    what: 'nothing but dead letters',
    series: {
      [`onfile_dlq_records_total{${TOPIC},reason="schema_violation"}`]: '0+10x40',
      [`onfile_records_forwarded_total{${TOPIC},kind="lifecycle"}`]: '0x40',
    },
    at: '30m',
    fires: {
      labels: { ...ONFILE, topic: 'card-lifecycle' },
      description: '100% of card-lifecycle went to the dead letters in 15 minutes.',
    },
  },
  {
    alert: 'OnfileDeadLetterRatio',
    what: 'five records at night, one of them broken',
    series: {
      [`onfile_dlq_records_total{${TOPIC},reason="schema_violation"}`]: '0x20 1x20',
      [`onfile_records_forwarded_total{${TOPIC},kind="lifecycle"}`]: '0x20 4x20',
    },
    at: '30m',
    fires: null,
  },
  {
    alert: 'OnfileWebhooksSilent',
    what: 'the way of the webhooks is broken',
    series: {
      [`onfile_outcomes_total{${JOB},status="ACCEPTED",reason="accepted"}`]: '0+2x120',
      [`onfile_records_forwarded_total{${JOB},topic="knot-events",kind="knot"}`]: '50x120',
      [`onfile_records_forwarded_total{${JOB},topic="card-lifecycle",kind="lifecycle"}`]: '0+2x120',
    },
    at: '90m',
    fires: {
      labels: ONFILE,
      description:
        'Knot accepted 120 cards in an hour and not one of its webhooks has arrived: results will be NO_RESULT.',
    },
  },
  {
    alert: 'OnfileWebhooksSilent',
    what: 'a few webhooks come',
    series: {
      [`onfile_outcomes_total{${JOB},status="ACCEPTED",reason="accepted"}`]: '0+2x120',
      [`onfile_records_forwarded_total{${JOB},topic="knot-events",kind="knot"}`]: '0+0.1x120',
    },
    at: '90m',
    fires: null,
  },
]
