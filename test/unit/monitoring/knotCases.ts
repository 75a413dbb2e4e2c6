import type { AlertCase } from './alertCase.ts'

const JOB = 'job="onfile",instance="a:9400"'
const ONFILE = { job: 'onfile' }

/** The limit as two processes of PROVISION show it, with what else they show under its name. */
const OPEN_COMMANDS_OF_TWO = (limit: string): Readonly<Record<string, string>> => ({
  [`onfile_provision_limit{${JOB},role="provision",limit="open_commands"}`]: `${limit}x30`,
  [`onfile_provision_limit{job="onfile",instance="b:9400",role="provision",limit="open_commands"}`]: `${limit}x30`,
  [`onfile_provision_limit{${JOB},role="provision",limit="concurrency"}`]: '64x30',
})

export const KNOT_CASES: readonly AlertCase[] = [
  {
    alert: 'OnfilePaused',
    what: 'Knot says 401',
    series: { [`onfile_paused{${JOB},role="provision",reason="knot_unauthorized"}`]: '0x5 1x30' },
    at: '15m',
    fires: {
      labels: { ...ONFILE, role: 'provision', reason: 'knot_unauthorized' },
      description: 'provision pushes nothing (knot_unauthorized). Nothing is lost; what is due waits.',
    },
  },
  {
    alert: 'OnfilePaused',
    what: 'SWITCHER cannot read who must not be pushed',
    series: { [`onfile_paused{${JOB},role="switcher",reason="suppressions_unknown"}`]: '0x5 1x30' },
    at: '15m',
    fires: {
      labels: { ...ONFILE, role: 'switcher', reason: 'suppressions_unknown' },
      description:
        'switcher pushes nothing (suppressions_unknown). Links are lost: each ends as window_missed after 14 s.',
    },
  },
  {
    alert: 'OnfilePaused',
    what: 'an operator has stopped it: that is no fault',
    series: {
      [`onfile_paused{${JOB},role="provision",reason="operator"}`]: '1x40',
      [`onfile_paused{${JOB},role="provision",reason="knot_unauthorized"}`]: '0x40',
    },
    at: '15m',
    fires: null,
  },
  {
    alert: 'OnfilePausedByOperator',
    what: 'stopped and forgotten',
    series: { [`onfile_paused{${JOB},role="provision",reason="operator"}`]: '1x90' },
    at: '70m',
    fires: {
      labels: { ...ONFILE, role: 'provision' },
      description: 'provision has been stopped by an operator for more than an hour.',
    },
  },
  {
    alert: 'OnfilePausedByOperator',
    what: 'SWITCHER is stopped and forgotten',
    series: { [`onfile_paused{${JOB},role="switcher",reason="operator"}`]: '1x90' },
    at: '70m',
    fires: {
      labels: { ...ONFILE, role: 'switcher' },
      description:
        'switcher has been stopped by an operator for more than an hour. Links are lost: each ends as window_missed after 14 s.',
    },
  },
  {
    alert: 'OnfilePausedByOperator',
    what: 'stopped for half an hour',
    series: { [`onfile_paused{${JOB},role="provision",reason="operator"}`]: '0x40 1x30 0x30' },
    at: '70m',
    fires: null,
  },
  {
    alert: 'OnfileOutage',
    what: 'the vault is down',
    series: { [`onfile_outage{${JOB},role="provision",system="vault"}`]: '1x30' },
    at: '15m',
    fires: {
      labels: { ...ONFILE, system: 'vault' },
      description: 'vault has failed each time that it was called for 10 minutes. What needs it waits.',
    },
  },
  {
    alert: 'OnfileOutage',
    what: 'a call fails now and then',
    series: { [`onfile_outage{${JOB},role="provision",system="vault"}`]: '1 0 0 1 0 1 1 0 0 0 1 0 0 1 1 0 1' },
    at: '15m',
    fires: null,
  },
  {
    alert: 'OnfileKnotBreakerOpen',
    what: 'open for ten minutes',
    series: {
      [`onfile_breaker_state{${JOB},role="provision",breaker="knot"}`]: '2x20',
      [`onfile_breaker_state{${JOB},role="switcher",breaker="knot"}`]: '0x20',
    },
    at: '10m',
    fires: {
      labels: { ...ONFILE, role: 'provision' },
      description: 'The breaker of Knot has been open for 5 minutes: provision pushes no card, to any merchant.',
    },
  },
  {
    alert: 'OnfileKnotBreakerOpen',
    what: 'half-open, and one merchant open',
    series: {
      [`onfile_breaker_state{${JOB},role="provision",breaker="knot"}`]: '1x20',
      [`onfile_breaker_state{${JOB},role="provision",breaker="21"}`]: '2x20',
    },
    at: '10m',
    fires: null,
  },
  {
    alert: 'OnfileMerchantBreakerOpen',
    what: 'one merchant is down for an hour',
    series: { [`onfile_breaker_state{${JOB},role="switcher",breaker="21"}`]: '2x90' },
    at: '60m',
    fires: {
      labels: { ...ONFILE, role: 'switcher', breaker: '21' },
      description: 'The breaker of merchant 21 in switcher has been open for 30 minutes; the others go on.',
    },
  },
  {
    alert: 'OnfileMerchantBreakerOpen',
    what: 'the breaker of Knot, which has its own alert',
    series: { [`onfile_breaker_state{${JOB},role="provision",breaker="knot"}`]: '2x90' },
    at: '60m',
    fires: null,
  },
  {
    alert: 'OnfileOpenCommandsHigh',
    what: 'a card conversion at night',
    series: {
      [`onfile_provision_open_commands{${JOB},partition="2"}`]: '9500x30',
      [`onfile_provision_open_commands{job="onfile",instance="b:9400",partition="3"}`]: '30x30',
      ...OPEN_COMMANDS_OF_TWO('10000'),
    },
    at: '20m',
    fires: {
      labels: { ...ONFILE, partition: '2' },
      description:
        'Partition 2 holds 95% of the open commands that it may have (provision.openCommands); at all of them its input stops.',
    },
  },
  {
    alert: 'OnfileOpenCommandsHigh',
    what: 'as many, where twice as many may be open',
    series: {
      [`onfile_provision_open_commands{${JOB},partition="2"}`]: '9500x30',
      ...OPEN_COMMANDS_OF_TWO('20000'),
    },
    at: '20m',
    fires: null,
  },
  {
    alert: 'OnfileAmbiguousPushes',
    what: 'timeouts of Knot',
    series: {
      [`onfile_commands_answered_total{${JOB},kind="SWITCH",result="AMBIGUOUS",reason="timeout"}`]: '0+0.2x90',
    },
    at: '70m',
    fires: { labels: ONFILE, description: '12 pushes of the last hour went on the wire and were not answered.' },
  },
  {
    alert: 'OnfileAmbiguousPushes',
    what: 'one process was killed in the middle of two pushes',
    series: {
      [`onfile_commands_answered_total{${JOB},kind="SWITCH",result="AMBIGUOUS",reason="restarted"}`]: '0x30 2x60',
      [`onfile_commands_answered_total{${JOB},kind="SWITCH",result="ACCEPTED",reason=""}`]: '0+100x90',
    },
    at: '70m',
    fires: null,
  },
  {
    alert: 'OnfilePushesRejected',
    what: 'addresses that Knot does not take',
    series: { [`onfile_outcomes_total{${JOB},status="REJECTED",reason="invalid_field"}`]: '0+1x90' },
    at: '70m',
    fires: {
      labels: { ...ONFILE, reason: 'invalid_field' },
      description: '60 pushes of the last hour were refused: invalid_field.',
    },
  },
  {
    alert: 'OnfilePushesRejected',
    what: 'refusals that are not ours: an event twice with other content',
    series: { [`onfile_outcomes_total{${JOB},status="REJECTED",reason="uid_conflict"}`]: '0+1x90' },
    at: '70m',
    fires: null,
  },
  {
    alert: 'OnfileNoResult',
    what: 'ten in six hours',
    series: { [`onfile_outcomes_total{${JOB},status="NO_RESULT",reason="no_result"}`]: '0x60 0+1x10 10x400' },
    at: '300m',
    fires: { labels: ONFILE, description: '10 attempts of the last 6 hours ended without a word of Knot.' },
  },
  {
    alert: 'OnfileNoResult',
    what: 'two',
    series: { [`onfile_outcomes_total{${JOB},status="NO_RESULT",reason="no_result"}`]: '0x60 2x400' },
    at: '300m',
    fires: null,
  },
  {
    alert: 'OnfileUnknownReason',
    what: 'one is enough',
    series: { [`onfile_outcomes_total{${JOB},status="FAILED",reason="unknown_reason"}`]: '0x59 1x60' },
    at: '70m',
    fires: {
      labels: ONFILE,
      description: '1 attempts of the last hour failed for a reason that onfile does not know.',
    },
  },
  {
    alert: 'OnfileUnknownReason',
    what: 'reasons that are in the table',
    series: {
      [`onfile_outcomes_total{${JOB},status="FAILED",reason="unknown_reason"}`]: '0x90',
      [`onfile_outcomes_total{${JOB},status="FAILED",reason="card_in_use"}`]: '0+5x90',
    },
    at: '70m',
    fires: null,
  },
  {
    alert: 'OnfileMerchantFailing',
    what: 'three of four fail at one merchant',
    series: {
      [`onfile_merchant_outcomes_total{${JOB},merchant="21",status="FAILED"}`]: '0+3x400',
      [`onfile_merchant_outcomes_total{${JOB},merchant="21",status="UPDATED"}`]: '0+1x400',
      [`onfile_merchant_outcomes_total{${JOB},merchant="7",status="FAILED"}`]: '0+1x400',
      [`onfile_merchant_outcomes_total{${JOB},merchant="7",status="UPDATED"}`]: '0+9x400',
    },
    at: '380m',
    fires: {
      labels: { ...ONFILE, merchant: '21' },
      description: '75% of the switches at merchant 21 failed in 6 hours.',
    },
  },
  {
    alert: 'OnfileMerchantFailing',
    what: 'a merchant with four switches a day',
    series: {
      [`onfile_merchant_outcomes_total{${JOB},merchant="21",status="FAILED"}`]: '0x100 3x300',
      [`onfile_merchant_outcomes_total{${JOB},merchant="21",status="UPDATED"}`]: '0x100 1x300',
    },
    at: '380m',
    fires: null,
  },
]
