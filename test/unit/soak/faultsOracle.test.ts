import { describe, expect, it } from 'vitest'
import type { PushEntry } from '../../../sandbox/knot/pushLog.ts'
import type {
  CardOutcome,
  CardSuppression,
  CommandResult,
  ProvisioningCommand,
  SourcePosition,
  UserEvent,
} from '../../../src/domain/records.ts'
import type { CommittedRecord } from '../../support/readCommitted.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { judgeFaults } from '../../soak/faults/faultsOracle.ts'
import type { FaultsCheck, RunFacts } from '../../soak/faults/faultsOracle.ts'

const trigger: SourcePosition = { topic: 'cards', partition: 0, offset: 0, event_id: null }
const webhook: SourcePosition = { topic: 'knot', partition: 0, offset: 0, event_id: null }
const input = ({ topic, partition, offset }: SourcePosition): CommittedRecord => ({
  ...{ topic, partition, offset, timestamp: 0, key: null, headers: [] },
  value: Buffer.from('{"event": "CARD_UPDATED"}'),
})
const placed = <T>(...values: T[]): { partition: number; offset: number; value: T }[] =>
  values.map((value, offset) => ({ partition: 0, offset, value }))

const switchCommand: ProvisioningCommand = {
  ...{ command_id: 'ada:1', kind: 'SWITCH', user_id: 'ada', card_ref: 'c', card_version: 1, merchant_id: 19 },
  ...{ merchant_name: null, task_id: null, attempt: 1, not_before: null, not_after: null, cancels: null },
  ...{ reason: 'updated', decision_seq: 1, source: trigger, origin: trigger, issued_at: 0 },
}
const cancel: ProvisioningCommand = {
  ...switchCommand,
  command_id: 'ada:4',
  kind: 'CANCEL',
  reason: 'opt_out',
  decision_seq: 4,
}
const optOut: CardSuppression = {
  ...{ user_id: 'ada', card_ref: 'c', merchant_id: null, scope: 'CARD', state: 'ACTIVE', reason: 'opt_out' },
  ...{ lifted_reason: null, since: 0, until: null, actor: null, decision_seq: 4, source: trigger, recorded_at: 0 },
}
const accepted: CardOutcome = {
  ...{ outcome_id: 'ada:2', user_id: 'ada', card_ref: 'c', card_version: 1, merchant_id: 19, merchant_name: null },
  ...{ status: 'ACCEPTED', final: false, reason: 'accepted', raw_reason: null, attempt: 1, command_id: 'ada:1' },
  ...{ next_attempt_at: null, decision_seq: 2, source: trigger, origin: trigger, occurred_at: 0, recorded_at: 0 },
}
const updated: CardOutcome = {
  ...accepted,
  ...{ outcome_id: 'ada:3', status: 'UPDATED', final: true, reason: 'updated', decision_seq: 3, source: webhook },
}
const result: CommandResult = {
  ...{ kind: 'result', command_id: 'ada:1', command_kind: 'SWITCH', result: 'ACCEPTED', decision_seq: 1, attempt: 1 },
  ...{ card_ref: 'c', card_version: 1, merchant_id: 19, reason: null, vault_status: 'active', vault_version: '1' },
  ...{ accounts: [], removed: [], under_way: [], http_status: 200, error_code: null },
  ...{ started_at: 100, answered_at: 110 },
}
const push: PushEntry = {
  ...{ atMs: 101, userId: 'ada', merchantId: 19, taskId: null, form: 'jwe', last4: null, fingerprint: null },
  ...{ jweReused: false, fault: null, status: 200, errorCode: null, landed: true, answeredAtMs: 109 },
}
const sound: Evidence = {
  inputs: [input(trigger), input(webhook)],
  userEvents: [{ user_id: 'ada', source: trigger, origin: trigger, occurred_at: 0, body: result }],
  commands: placed(switchCommand),
  outcomes: placed(accepted, updated),
  suppressions: [],
  deadLetters: [],
  foreign: [],
}
const facts: RunFacts = {
  knotTopic: 'knot',
  pushes: [push],
  inFlightMax: 1,
  offsets: { passedAtMs: () => 105 },
  redirected: 0,
  minGapMs: 50,
}

/** The same SWITCH again, so much later, with its answer and its push. */
function again(
  seq: number,
  laterMs: number,
  changes: Partial<ProvisioningCommand>,
): { command: ProvisioningCommand; told: UserEvent; seen: PushEntry; end: CardOutcome } {
  const command = { ...switchCommand, command_id: `ada:${seq}`, decision_seq: seq, ...changes }
  const { command_id, attempt } = command
  const body: CommandResult = {
    ...{ ...result, command_id, decision_seq: seq, attempt },
    ...{ started_at: 100 + laterMs, answered_at: 110 + laterMs },
  }
  return {
    command,
    told: { user_id: 'ada', source: trigger, origin: trigger, occurred_at: 0, body },
    seen: { ...push, atMs: 101 + laterMs, answeredAtMs: 109 + laterMs },
    end: { ...updated, outcome_id: `ada:${seq + 1}`, decision_seq: seq + 1, command_id, attempt, reason: 'corrected' },
  }
}

/** The sound history, and this after it. */
function followedBy(
  ...more: readonly ReturnType<typeof again>[]
): [evidence: Partial<Evidence>, facts: Partial<RunFacts>] {
  return [
    {
      commands: placed(switchCommand, ...more.map(({ command }) => command)),
      userEvents: [...sound.userEvents, ...more.map(({ told }) => told)],
      outcomes: placed(accepted, updated, ...more.map(({ end }) => end)),
    },
    { pushes: [push, ...more.map(({ seen }) => seen)] },
  ]
}

const relinked: SourcePosition = { topic: 'knot', partition: 0, offset: 0, event_id: null }
const forgotten: CardOutcome = {
  ...{ ...updated, outcome_id: 'ada:4', decision_seq: 4, status: 'SUPPRESSED', reason: 'forgotten' },
  ...{ command_id: null, merchant_id: null, source: trigger },
}

/** Checks that something failed in. */
function failing(evidence: Partial<Evidence>, more: Partial<RunFacts> = {}): FaultsCheck[] {
  const verdicts = judgeFaults({ ...sound, ...evidence }, { ...facts, ...more })
  return (Object.keys(verdicts) as FaultsCheck[]).filter(
    check => verdicts[check].missing.length + verdicts[check].wrong.length > 0,
  )
}

describe('the oracle of the soak with faults', () => {
  it('finds nothing where all is well, also where a CANCEL came after the push', () => {
    expect(failing({})).toEqual([])
    expect(failing({ commands: placed(switchCommand, cancel) })).toEqual([])
  })

  it('finds nothing in a second attempt, in a version that a login begins anew, in a card that is lifted', () => {
    expect(failing(...followedBy(again(4, 1_000, { attempt: 2 }), again(6, 2_000, { attempt: 3 })))).toEqual([])
    expect(failing(...followedBy(again(4, 1_000, { attempt: 1, origin: relinked })))).toEqual([])
    const lifted: CardSuppression = { ...optOut, state: 'LIFTED', decision_seq: 5 }
    const [evidence, more] = followedBy(again(6, 1_000, { attempt: 2 }))
    expect(failing({ ...evidence, suppressions: placed(optOut, lifted) }, more)).toEqual([])
    const over: CardSuppression = { ...optOut, reason: 'operator', until: 40 }
    const [late, lateFacts] = followedBy(again(5, 1_000, { attempt: 2, issued_at: 41 }))
    expect(failing({ ...late, suppressions: placed(over), outcomes: late.outcomes! }, lateFacts)).toEqual([])
  })

  it('takes a push that Knot took and answered with 503 for one that it did not take', () => {
    const hidden: PushEntry = { ...push, atMs: 50, status: 503 }
    const busy: PushEntry = { ...push, atMs: 60, landed: false, errorCode: 'ONGOING_OPERATION' }
    expect(failing({}, { pushes: [hidden, busy, push] })).toEqual([])
    expect(failing({}, { pushes: [{ ...busy, atMs: 40 }, hidden, push] })).toEqual(['oneInFlight'])
  })

  it.each<[string, FaultsCheck[], Partial<Evidence>, Partial<RunFacts>?]>([
    ['an input that nothing names', ['inputs'], { inputs: [...sound.inputs, input({ ...webhook, offset: 1 })] }],
    ['an attempt without an end', ['inputs', 'triggers', 'commands'], { outcomes: placed(accepted) }],
    [
      'a webhook that took effect twice',
      ['explainedOnce'],
      { outcomes: placed(accepted, updated, { ...updated, outcome_id: 'ada:4', decision_seq: 4 }) },
    ],
    ['a push that nobody ordered', ['pushes'], {}, { pushes: [push, { ...push, atMs: 50 }] }],
    ['two requests open at once', ['oneInFlight'], {}, { inFlightMax: 2 }],
    [
      'a push while the one before was under way at Knot',
      ['oneInFlight'],
      {},
      { pushes: [push, { ...push, atMs: 102, landed: false, errorCode: 'ONGOING_OPERATION' }] },
    ],
    [
      'a push that started behind the committed CANCEL',
      ['afterSuppression'],
      { commands: placed(switchCommand, cancel) },
      { offsets: { passedAtMs: () => 99 } },
    ],
    [
      'a push that is decided after the suppression',
      ['commands', 'afterSuppression'],
      {
        suppressions: placed(optOut),
        commands: placed(switchCommand, { ...switchCommand, command_id: 'ada:5', decision_seq: 5 }),
      },
    ],
    [
      'a CANCEL that was never committed',
      ['afterSuppression'],
      { commands: placed(switchCommand, cancel) },
      { offsets: { passedAtMs: () => undefined } },
    ],
    ['an attempt that was sent twice', ['attempts'], ...followedBy(again(4, 1_000, { attempt: 1 }))],
    ['a fourth attempt', ['attempts'], ...followedBy(again(4, 1_000, { attempt: 4 }))],
    ['a push within the gap', ['gaps'], ...followedBy(again(4, 45, { attempt: 2 }))],
    [
      'a push within the gap by the log of Knot alone',
      ['gaps'],
      followedBy(again(4, 100, { attempt: 2 }))[0],
      { pushes: [{ ...push, atMs: 190 }, again(4, 100, {}).seen] },
    ],
    [
      'a push under an order whose end is to come',
      ['afterSuppression'],
      {
        ...followedBy(again(5, 1_000, { attempt: 2 }))[0],
        suppressions: placed({ ...optOut, reason: 'operator', until: 40 }),
      },
      followedBy(again(5, 1_000, { attempt: 2 }))[1],
    ],
    [
      'work for a user who has been forgotten',
      ['afterSuppression'],
      {
        commands: placed(switchCommand, { ...switchCommand, command_id: 'ada:5', decision_seq: 5, kind: 'DISCOVER' }),
        outcomes: placed(accepted, updated, forgotten),
      },
    ],
    ['a success where nothing landed', ['pushes', 'updatedIsTrue'], {}, { pushes: [] }],
    ['a redirect that was followed', ['redirects'], {}, { redirected: 1 }],
  ])('finds %s', (_name, checks, evidence, more) => {
    expect(failing(evidence, more)).toEqual(checks)
  })
})
