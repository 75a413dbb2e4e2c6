import type { CardOutcome, CardSuppression, ProvisioningCommand } from '../../../../src/domain/records.ts'
import type { Evidence } from '../../../../sandbox/demo/evidence.ts'
import type { Witnesses } from '../../../../sandbox/demo/reconcile.ts'

/** Position in the lifecycle topic. */
export const at = (offset: number, topic = 'card-lifecycle') => ({ topic, partition: 0, offset, event_id: null })

export const outcome = (changes: Partial<CardOutcome> = {}): CardOutcome => {
  const seq = changes.decision_seq ?? 1
  const source = changes.source ?? at(0)
  return {
    outcome_id: `u-1:${seq}`,
    user_id: 'u-1',
    card_ref: 'card-1',
    card_version: 1,
    merchant_id: null,
    merchant_name: null,
    status: 'SKIPPED',
    final: true,
    reason: 'enrolled',
    raw_reason: null,
    attempt: 0,
    command_id: null,
    next_attempt_at: null,
    decision_seq: seq,
    source,
    origin: source,
    occurred_at: 0,
    recorded_at: 0,
    ...changes,
  }
}

export const command = (changes: Partial<ProvisioningCommand> = {}): ProvisioningCommand => {
  const seq = changes.decision_seq ?? 1
  const source = changes.source ?? at(0)
  return {
    command_id: `u-1:${seq}`,
    kind: 'SWITCH',
    user_id: 'u-1',
    card_ref: 'card-1',
    card_version: 1,
    merchant_id: 16,
    merchant_name: 'Netflix',
    task_id: null,
    attempt: 1,
    not_before: null,
    not_after: null,
    cancels: null,
    reason: 'updated',
    decision_seq: seq,
    source,
    origin: source,
    issued_at: 0,
    ...changes,
  }
}

export const suppression = (changes: Partial<CardSuppression> = {}): CardSuppression => ({
  user_id: 'u-1',
  card_ref: 'card-1',
  merchant_id: null,
  scope: 'CARD',
  state: 'ACTIVE',
  reason: 'opt_out',
  lifted_reason: null,
  since: 0,
  until: null,
  actor: null,
  decision_seq: 1,
  source: at(0),
  recorded_at: 0,
  ...changes,
})

/** One update of one card at one merchant, from the event to the success. */
export const goodRun = (): Evidence => {
  const switched = { command_id: 'u-1:2', merchant_id: 16, merchant_name: 'Netflix', attempt: 1 }
  const webhook = at(0, 'knot-events')
  return {
    inputs: [
      { ...at(0), knotEvent: null, userId: null },
      { ...webhook, knotEvent: 'CARD_UPDATED', userId: 'u-1' },
      { ...at(1, 'knot-events'), knotEvent: 'MERCHANT_STATUS_UPDATE', userId: null },
      { ...at(1), knotEvent: null, userId: null },
    ],
    commands: [
      command({ kind: 'DISCOVER', decision_seq: 1, merchant_id: null }),
      command({ decision_seq: 2, command_id: 'u-1:2' }),
    ],
    outcomes: [
      outcome({ ...switched, decision_seq: 3, status: 'ACCEPTED', reason: 'accepted', final: false }),
      outcome({
        ...switched,
        decision_seq: 4,
        status: 'UPDATED',
        reason: 'updated',
        source: webhook,
        origin: at(0),
      }),
    ],
    suppressions: [],
    deadLetters: [{ ...at(1), reason: 'invalid_json', byReference: false }],
  }
}

export const goodWitnesses: Witnesses = {
  ignoredByMetric: 1,
  pushes: { received: 1, landed: 1, maxInFlight: 1 },
  cardsOnFile: [{ userId: 'u-1', merchantName: 'Netflix', isCurrent: true }],
}
