import { describe, expect, test } from 'vitest'
import { activeSuppressions, openWork } from '../../../../sandbox/demo/evidence.ts'
import type { Evidence } from '../../../../sandbox/demo/evidence.ts'
import { reconcile } from '../../../../sandbox/demo/reconcile.ts'
import type { Witnesses } from '../../../../sandbox/demo/reconcile.ts'
import { at, command, goodRun, goodWitnesses, outcome, suppression } from './records.ts'

test('a run in which everything is explained adds up', () => {
  const result = reconcile(goodRun(), goodWitnesses)
  expect(result.problems).toEqual([])
  expect(result.inputs).toEqual({ total: 4, explained: 2, deadLettered: 1, ignored: 1 })
  expect(Object.fromEntries(result.commands)).toEqual({ DISCOVER: 1, SWITCH: 1 })
  expect(Object.fromEntries(result.outcomes)).toEqual({ ACCEPTED: 1, UPDATED: 1 })
  expect(Object.fromEntries(result.deadLetters)).toEqual({ invalid_json: 1 })
})

test('a trigger that was stopped before its first outcome is explained as the origin of that end', () => {
  const run = goodRun()
  const stopped = { ...at(5), knotEvent: null, userId: null }
  const cancelled = outcome({ decision_seq: 9, status: 'CANCELLED', reason: 'opt_out', origin: at(5) })
  const problems = (end: typeof cancelled): readonly string[] =>
    reconcile({ ...run, inputs: [...run.inputs, stopped], outcomes: [...run.outcomes, end] }, goodWitnesses).problems
  expect(problems(cancelled)).toEqual([])
  expect(problems({ ...cancelled, final: false })[0]).toContain('card-lifecycle-0@5 has no outcome')
})

const faults: readonly {
  name: string
  change: (run: Evidence) => Partial<Evidence>
  witnesses?: Partial<Witnesses>
  problem: string
}[] = [
  {
    name: 'an input without outcome and dead letter',
    change: run => ({ inputs: [...run.inputs, { ...at(9), knotEvent: null, userId: null }] }),
    problem: 'card-lifecycle-0@9 has no outcome and no dead letter',
  },
  {
    name: 'a webhook about a card that is left out',
    change: run => ({ inputs: [...run.inputs, { ...at(9, 'knot-events'), knotEvent: 'CARD_FAILED', userId: 'u-1' }] }),
    problem: 'knot-events-0@9 has no outcome and no dead letter (CARD_FAILED)',
  },
  {
    name: 'an input with both',
    change: run => ({ deadLetters: [...run.deadLetters, { ...at(0), reason: 'invalid_json', byReference: false }] }),
    problem: 'card-lifecycle-0@0 has an outcome and a dead letter',
  },
  {
    name: 'a dead letter twice',
    change: run => ({ deadLetters: [...run.deadLetters, ...run.deadLetters] }),
    problem: 'card-lifecycle-0@1 was dead-lettered 2 times',
  },
  {
    name: 'a source that is no input',
    change: run => ({ outcomes: [...run.outcomes, outcome({ decision_seq: 5, source: at(77) })] }),
    problem: 'Outcome u-1:5 names card-lifecycle-0@77, which is no input',
  },
  {
    name: 'a dead letter of no input',
    change: run => ({ deadLetters: [...run.deadLetters, { ...at(77), reason: 'invalid_json', byReference: false }] }),
    problem: 'A dead letter names card-lifecycle-0@77, which is no input',
  },
  {
    name: 'an outcome twice',
    change: run => ({ outcomes: [...run.outcomes, run.outcomes[1]!] }),
    problem: 'Decision u-1:4 was published 2 times',
  },
  {
    name: 'one number for an outcome and a suppression',
    change: () => ({ suppressions: [{ key: 'k', suppression: suppression({ decision_seq: 3 }) }] }),
    problem: 'Decision u-1:3 was published 2 times',
  },
  {
    name: 'decisions out of order',
    change: run => ({ outcomes: run.outcomes.toReversed() }),
    problem: 'Decision 3 of u-1 comes after decision 4',
  },
  {
    name: 'a push without an end',
    change: run => ({ commands: [...run.commands, command({ decision_seq: 9 })] }),
    problem: 'u-1: push u-1:9 to Netflix has no final outcome',
  },
  {
    name: 'a try after which nothing came',
    change: run => ({
      commands: [...run.commands, command({ decision_seq: 9 })],
      outcomes: [
        ...run.outcomes,
        outcome({ decision_seq: 10, status: 'RETRY_SCHEDULED', final: false, command_id: 'u-1:9', merchant_id: 44 }),
      ],
    }),
    problem: 'u-1: RETRY_SCHEDULED/enrolled (u-1:10) is not final',
  },
  {
    name: 'more ignored than the product counted',
    change: () => ({}),
    witnesses: { ignoredByMetric: 0 },
    problem: '1 inputs were left without an outcome by design, /metrics counts 0',
  },
  {
    name: 'two pushes at once',
    change: () => ({}),
    witnesses: { pushes: { received: 1, landed: 1, maxInFlight: 2 } },
    problem: 'Knot saw 2 pushes at once for one user and merchant',
  },
  {
    name: 'more pushes than orders',
    change: () => ({}),
    witnesses: { pushes: { received: 2, landed: 2, maxInFlight: 1 } },
    problem: 'Knot took 2 pushes, but 1 were ordered',
  },
  {
    name: 'an old card on file',
    change: () => ({}),
    witnesses: { cardsOnFile: [{ userId: 'u-1', merchantName: 'Netflix', isCurrent: false }] },
    problem: 'Netflix has an old card of u-1 on file',
  },
]

test.each(faults)('$name is told', ({ change, witnesses = {}, problem }) => {
  const run = goodRun()
  const { problems } = reconcile({ ...run, ...change(run) }, { ...goodWitnesses, ...witnesses })
  expect(problems.join('\n')).toContain(problem)
})

describe('work that is open', () => {
  const waiting = outcome({ decision_seq: 2, status: 'RETRY_SCHEDULED', reason: 'inactive_card', final: false })
  const evidence = (changes: Partial<Evidence>): Evidence => ({
    inputs: [],
    outcomes: [],
    commands: [],
    suppressions: [],
    deadLetters: [],
    ...changes,
  })

  test('a scheduled look-up is open until the same trigger ends at some merchant', () => {
    expect(openWork('u-1', evidence({ outcomes: [waiting] }))).toHaveLength(1)
    const ended = outcome({ decision_seq: 3, merchant_id: 16, status: 'UPDATED', reason: 'updated' })
    expect(openWork('u-1', evidence({ outcomes: [waiting, ended] }))).toEqual([])
    const other = outcome({ decision_seq: 3, merchant_id: 16, source: at(5) })
    expect(openWork('u-1', evidence({ outcomes: [waiting, other] }))).toHaveLength(1)
  })

  test('an accepted push at one merchant is not ended by another merchant', () => {
    const accepted = outcome({ decision_seq: 1, merchant_id: 16, status: 'ACCEPTED', reason: 'accepted', final: false })
    const elsewhere = outcome({ decision_seq: 2, merchant_id: 10, status: 'UPDATED', reason: 'updated' })
    expect(openWork('u-1', evidence({ outcomes: [accepted, elsewhere] }))).toHaveLength(1)
  })

  test('a look-up is open until it leads to something', () => {
    const discover = command({ kind: 'DISCOVER', decision_seq: 1, merchant_id: null })
    expect(openWork('u-1', evidence({ commands: [discover] }))).toHaveLength(1)
    expect(openWork('u-1', evidence({ commands: [discover], outcomes: [outcome({ decision_seq: 2 })] }))).toEqual([])
  })

  test('another user has none of it', () => {
    expect(openWork('u-2', evidence({ outcomes: [waiting] }))).toEqual([])
  })
})

test('a suppression holds until it is lifted or its tombstone comes', () => {
  const active = { key: 'a', suppression: suppression() }
  const lifted = { key: 'a', suppression: suppression({ state: 'LIFTED', lifted_reason: 'reopened' }) }
  const tombstone = { key: 'a', suppression: null }
  const other = { key: 'b', suppression: suppression({ reason: 'closed' }) }
  expect([...activeSuppressions([active, other]).keys()]).toEqual(['a', 'b'])
  expect([...activeSuppressions([active, other, lifted]).keys()]).toEqual(['b'])
  expect([...activeSuppressions([active, tombstone]).keys()]).toEqual([])
  expect([...activeSuppressions([active, lifted, tombstone, active]).keys()]).toEqual(['a'])
})
