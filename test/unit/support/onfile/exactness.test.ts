import { describe, expect, it } from 'vitest'
import type { CardOutcome, CommandResult, ProvisioningCommand, SourcePosition } from '../../../../src/domain/records.ts'
import type { Evidence } from '../../../support/onfile/evidence.ts'
import { judge } from '../../../support/onfile/exactness.ts'
import type { SeenPush } from '../../../support/onfile/exactness.ts'
import type { CommittedRecord } from '../../../support/readCommitted.ts'
import { sampleCommand, sampleOutcome, sampleResult, userEventOf } from '../../../support/sampleRecords.ts'

/** A history that is as promised: an update, its SWITCH, one accepted push, one success. */
interface History {
  inputs: CommittedRecord[]
  commands: ProvisioningCommand[]
  outcomes: CardOutcome[]
  results: CommandResult[]
  letters: SourcePosition[]
  pushes: SeenPush[]
}

const KNOT = 'knot-events'
const lifecycle: SourcePosition = { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: null }
const webhook: SourcePosition = { topic: KNOT, partition: 0, offset: 3, event_id: null }

const input = (position: SourcePosition, value: string): CommittedRecord => ({
  ...position,
  timestamp: 0,
  key: null,
  value: Buffer.from(value),
  headers: [],
})
const outcome = (seq: number, changes: Partial<CardOutcome>): CardOutcome => ({
  ...sampleOutcome,
  outcome_id: `user-1:${seq}`,
  decision_seq: seq,
  command_id: 'user-1:1',
  source: lifecycle,
  origin: lifecycle,
  ...changes,
})

function goodHistory(): History {
  return {
    inputs: [input(lifecycle, '{}'), input(webhook, '{"event":"CARD_UPDATED"}')],
    commands: [{ ...sampleCommand, kind: 'SWITCH', command_id: 'user-1:1', decision_seq: 1 }],
    outcomes: [
      outcome(2, { status: 'ACCEPTED', final: false, reason: 'accepted' }),
      outcome(3, { status: 'UPDATED', final: true, reason: 'updated', source: webhook }),
    ],
    results: [{ ...sampleResult, command_id: 'user-1:1', started_at: 1_000, answered_at: 1_100 }],
    letters: [],
    pushes: [{ atMs: 1_010, userId: 'user-1', merchantId: 11, landed: true }],
  }
}

function verdictOf({ inputs, commands, outcomes, results, letters, pushes }: History): ReturnType<typeof judge> {
  const place = <T>(value: T): { partition: number; offset: number; value: T } => ({ partition: 0, offset: 0, value })
  const evidence: Evidence = {
    inputs,
    userEvents: results.map(userEventOf),
    commands: commands.map(place),
    outcomes: outcomes.map(place),
    suppressions: [],
    deadLetters: letters.map(letter => ({ ...letter, reason: 'invalid_json', record: input(letter, '') })),
    foreign: [],
  }
  return judge(evidence, KNOT, pushes)
}

describe('the oracle of the end-to-end tests', () => {
  it('has nothing to say about a history that is as promised', () => {
    expect(verdictOf(goodHistory())).toEqual({ missing: [], wrong: [] })
  })

  const faults: readonly (readonly [string, 'missing' | 'wrong', RegExp, (history: History) => void])[] = [
    ['a decision that is published twice', 'wrong', /published twice/, h => h.outcomes.push({ ...h.outcomes[1]! })],
    ['a lost decision', 'missing', /no decision between 1 and 3/, h => h.outcomes.splice(0, 1)],
    ['decisions out of order', 'wrong', /decision 2 comes after 3/, h => h.outcomes.reverse()],
    [
      'an id that is not its number',
      'wrong',
      /user-1:9 should be/,
      h => (h.outcomes[1] = outcome(3, { outcome_id: 'user-1:9' })),
    ],
    [
      'an input without a word',
      'missing',
      /card-lifecycle-0@8 is not explained/,
      h => h.inputs.push(input({ ...lifecycle, offset: 8 }, '{}')),
    ],
    [
      'a webhook without a word',
      'missing',
      /@4 is not explained/,
      h => h.inputs.push(input({ ...webhook, offset: 4 }, '{"event":"CARD_FAILED"}')),
    ],
    ['two dead letters for one input', 'wrong', /has 2 dead letters/, h => h.letters.push(lifecycle, lifecycle)],
    ['an outcome and a dead letter', 'wrong', /outcome and a dead letter/, h => h.letters.push(lifecycle)],
    ['a source that is no input', 'wrong', /is no input/, h => h.inputs.splice(1, 1)],
    ['an attempt without an end', 'missing', /has no final outcome/, h => h.outcomes.splice(1, 1)],
    ['a trigger that stands still', 'missing', /stands at ACCEPTED/, h => h.outcomes.splice(1, 1)],
    [
      'a provisional outcome after the final one',
      'wrong',
      /follows its final outcome/,
      h => h.outcomes.push(outcome(4, { status: 'ACCEPTED', final: false })),
    ],
    ['a command answered twice', 'wrong', /is answered 2 times/, h => h.results.push({ ...h.results[0]! })],
    ['two pushes for one command', 'wrong', /took 2 pushes/, h => h.pushes.push({ ...h.pushes[0]!, atMs: 1_050 })],
    [
      'a push that nobody ordered',
      'wrong',
      /no command accounts for/,
      h => h.pushes.push({ ...h.pushes[0]!, atMs: 9_000 }),
    ],
    ['an accepted push that Knot never saw', 'wrong', /Knot took no push/, h => h.pushes.splice(0, 1)],
  ]
  it.each(faults)('finds %s', (_what, list, pattern, spoil) => {
    const history = goodHistory()
    spoil(history)
    expect(verdictOf(history)[list].join('\n')).toMatch(pattern)
  })

  it('a SWITCH ends in the announcement of the next attempt too', () => {
    const history = goodHistory()
    const retry = outcome(3, { status: 'RETRY_SCHEDULED', final: false, reason: 'other', source: webhook })
    history.outcomes[1] = retry
    history.outcomes.push(outcome(4, { status: 'CANCELLED', final: true, reason: 'operator', command_id: null }))
    expect(verdictOf(history)).toEqual({ missing: [], wrong: [] })
  })

  it('a SWITCH that was not sent ends in another one of the same attempt, and in no other', () => {
    const history = goodHistory()
    const [first] = history.commands
    const [told] = history.results
    const again = { ...first!, command_id: 'user-1:2', decision_seq: 2 }
    history.commands.push(again)
    history.results = [
      { ...told!, result: 'NOT_SENT', reason: 'send_by', started_at: null },
      { ...told!, command_id: 'user-1:2' },
    ]
    history.outcomes = history.outcomes.map((value, index) =>
      outcome(index + 3, {
        ...value,
        ...{ outcome_id: `user-1:${index + 3}`, decision_seq: index + 3 },
        command_id: 'user-1:2',
      }),
    )
    expect(verdictOf(history)).toEqual({ missing: [], wrong: [] })
    history.commands[1] = { ...again, attempt: 2 }
    expect(verdictOf(history).missing).toEqual(['user-1:1 has no final outcome'])
  })

  it('a wait before the merchants are known is over when one of them is named, and not before', () => {
    const waiting = outcome(1, { status: 'RETRY_SCHEDULED', final: false, merchant_id: null, command_id: null })
    const history = goodHistory()
    history.commands = []
    history.outcomes.unshift(waiting)
    expect(verdictOf(history)).toEqual({ missing: [], wrong: [] })
    history.outcomes = [waiting]
    history.inputs.pop()
    expect(verdictOf(history).missing).toEqual([expect.stringMatching(/merchant none stands at RETRY_SCHEDULED/)])
  })

  it('lets a webhook of a kind that concerns no card go', () => {
    const history = goodHistory()
    history.inputs.push(input({ ...webhook, offset: 4 }, '{"event":"MERCHANT_STATUS_UPDATE"}'))
    expect(verdictOf(history)).toEqual({ missing: [], wrong: [] })
  })
})
