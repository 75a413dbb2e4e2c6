import type {
  CardOutcome,
  CardSuppression,
  CommandResult,
  KnotEvent,
  Lifecycle,
  OperatorCommand,
  ProvisioningCommand,
  SourcePosition,
  UserEvent,
  UserEventBody,
} from '../../src/domain/records.ts'

/** One full example of each record, every nullable field set, and builders for variations. */

const AT = 1_743_132_938_947

export const sampleSource: SourcePosition = {
  topic: 'card-lifecycle',
  partition: 3,
  offset: 9_007_199_254,
  event_id: 'd2e9',
}

export const sampleLifecycle: Lifecycle = {
  kind: 'lifecycle',
  event_uid: 'd2e9',
  card_ref: '1d15778a-64fb-459b-8c19-e8b5da0a9af9',
  type: 'updated',
  status: 'enrolled',
  updated_at: AT,
  own_stamp: true,
}

export const sampleKnot: KnotEvent = {
  kind: 'knot',
  event: 'CARD_FAILED',
  merchant_id: 11,
  merchant_name: 'Uber',
  task_id: '25605',
  card_id: '123456789',
  reason: 'card cvv',
  send_card: false,
  timestamp: AT,
  dedupe_key: 'AAAAAAAAAAAAAAAAAAAAAA',
}

export const sampleResult: CommandResult = {
  kind: 'result',
  command_id: 'user-1:7',
  command_kind: 'SWITCH',
  result: 'ACCEPTED',
  decision_seq: 7,
  attempt: 1,
  card_ref: 'card-1',
  card_version: 2,
  merchant_id: 11,
  reason: 'timeout',
  vault_status: 'active',
  vault_version: 'v2',
  accounts: [
    {
      merchant_id: 11,
      merchant_name: 'Uber',
      connected: true,
      update_card: true,
      last_action_at: AT,
      last_action_status: 'ok',
    },
    {
      merchant_id: 12,
      merchant_name: null,
      connected: false,
      update_card: false,
      last_action_at: null,
      last_action_status: null,
    },
  ],
  removed: [{ command_id: 'user-1:5', kind: 'SWITCH', card_ref: 'card-1', merchant_id: 11 }],
  under_way: [{ command_id: 'user-1:6', kind: 'DISCOVER', card_ref: 'card-1', merchant_id: null }],
  http_status: 200,
  error_code: 'NONE',
  started_at: AT,
  answered_at: AT + 5,
}

export const sampleOperator: OperatorCommand = {
  kind: 'operator',
  request_id: 'r-1',
  action: 'SUPPRESS',
  actor: 'ann',
  reason: 'asked for',
  card_ref: 'card-1',
  merchant_id: 11,
  until: AT,
}

export const sampleBodies: readonly UserEventBody[] = [sampleLifecycle, sampleKnot, sampleResult, sampleOperator]

export function userEventOf(body: UserEventBody): UserEvent {
  return { user_id: 'user-1', source: sampleSource, origin: { ...sampleSource, event_id: null }, occurred_at: AT, body }
}

export const sampleOutcome: CardOutcome = {
  outcome_id: 'user-1:8',
  user_id: 'user-1',
  card_ref: 'card-1',
  card_version: 2,
  merchant_id: 11,
  merchant_name: 'Uber',
  status: 'FAILED',
  final: true,
  reason: 'card_cvv',
  raw_reason: 'card cvv',
  attempt: 1,
  command_id: 'user-1:7',
  next_attempt_at: AT,
  decision_seq: 8,
  source: sampleSource,
  origin: sampleSource,
  occurred_at: AT,
  recorded_at: AT + 1,
}

export const sampleCommand: ProvisioningCommand = {
  command_id: 'user-1:7',
  kind: 'CANCEL',
  user_id: 'user-1',
  card_ref: 'card-1',
  card_version: 2,
  merchant_id: 11,
  merchant_name: 'Uber',
  task_id: '25605',
  attempt: 0,
  not_before: AT,
  not_after: AT + 1,
  cancels: { card_ref: 'card-1', merchant_id: null, command_id: null },
  reason: 'opt_out',
  decision_seq: 7,
  source: sampleSource,
  origin: sampleSource,
  issued_at: AT,
}

export const sampleSuppression: CardSuppression = {
  user_id: 'user-1',
  card_ref: 'card-1',
  merchant_id: 11,
  scope: 'CARD_AT_MERCHANT',
  state: 'LIFTED',
  reason: 'contact_cardholder',
  lifted_reason: 'newer_card_event',
  since: AT,
  until: AT + 1,
  actor: 'ann',
  decision_seq: 9,
  source: sampleSource,
  recorded_at: AT,
}
