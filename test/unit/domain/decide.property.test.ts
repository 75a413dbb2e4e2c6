import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SourcePosition, UserEvent } from '../../../src/domain/records.ts'
import { Laws } from './laws.ts'
import { MERCHANTS, Model } from './model.ts'
import type { KnotMood, Move } from './model.ts'
import { USER, World } from './world.ts'

const TRIGGERS = ['updated', 'updated', 'expired']
const OTHER_TYPES = [
  'closed',
  'closed',
  'opt_out',
  'contact_cardholder_advice',
  'enrolled',
  'unknown',
  'no_participating',
  'something new',
]
const MOODS = ['updated', 'updated', 'otp', 'other', 'other', 'busy', 'refused', 'lost', 'hidden', 'landed'] as const
const which = fc.nat({ max: 5 })
const count = fc.integer({ min: 1, max: 4 })
const minutesAgo = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 30 }) })

function lifecycle(types: readonly string[]): fc.Arbitrary<Move> {
  return fc.record({
    do: fc.constant('lifecycle' as const),
    type: fc.constantFrom(...types),
    // A second card keeps the first one from its merchants: not often, so that most histories get somewhere.
    card: fc.integer({ min: 0, max: 5 }).map(n => (n === 0 ? 1 : 0)),
    minutesAgo,
  })
}

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 2, arbitrary: lifecycle(TRIGGERS) },
  { weight: 1, arbitrary: lifecycle(OTHER_TYPES) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('operator' as const),
      action: fc.constantFrom('SUPPRESS', 'LIFT', 'LIFT', 'CANCEL', 'RETRY', 'RETRY', 'RETRY'),
      card: fc.option(fc.constant(0)),
      merchant: fc.option(fc.nat({ max: 1 })),
      minutes: fc.option(fc.constantFrom(-1, 5, 90)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('operator' as const),
      // Erased users do little: rare, and mostly taken back.
      action: fc.constantFrom('FORGET', 'LIFT', 'LIFT', 'LIFT'),
      card: fc.constant(null),
      merchant: fc.constant(null),
      minutes: fc.constant(null),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('redeliver' as const), which }) },
  { weight: 14, arbitrary: fc.record({ do: fc.constant('deliver' as const), count }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('read' as const), count }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      which,
      mood: fc.constantFrom(...MOODS),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which,
      isDoubtful: fc.boolean(),
      vault: fc.constantFrom('active', 'active', 'active', 'active', 'inactive', 'closed', 'unknown'),
      isSameVersion: fc.integer({ min: 0, max: 9 }).map(n => n === 0),
      connected: fc.array(
        fc.integer({ min: 0, max: 4 }).map(n => n > 0),
        { minLength: 2, maxLength: 2 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), which }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('webhook' as const), which, isRepeated: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('foreign' as const),
      event: fc.constantFrom('CARD_UPDATED', 'CARD_UPDATED', 'CARD_FAILED', 'AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED'),
      merchant: fc.nat({ max: 1 }),
      card: fc.option(fc.nat({ max: 1 })),
      minutesAgo,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('task' as const),
      card: fc.nat({ max: 1 }),
      merchant: fc.nat({ max: 1 }),
      mood: fc.constantFrom('updated', 'updated', 'other', 'busy', 'refused', 'lost', 'hidden'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      minutes: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(1, 3, 11) },
        { weight: 2, arbitrary: fc.constantFrom(16, 70) },
        { weight: 1, arbitrary: fc.constantFrom(1_500, 5_000) },
      ),
    }),
  },
)
const moves = fc.array(move, { minLength: 5, maxLength: 200, size: 'max' })

/** To a push that Knot has, so that most histories get into the depth where results, retries and looks are. */
function pushed(mood: KnotMood): readonly Move[] {
  const answer = { do: 'answer', which: 0, isDoubtful: false, vault: 'active', isSameVersion: true } as const
  const connected = MERCHANTS.map(() => true)
  return [
    { do: 'lifecycle', type: 'updated', card: 0, minutesAgo: 0 },
    { do: 'deliver', count: 1 },
    { do: 'read', count: 1 },
    { do: 'start', which: 0, mood },
    { ...answer, connected },
    { do: 'deliver', count: 1 },
    { do: 'read', count: 2 },
    { do: 'start', which: 0, mood },
    { do: 'start', which: 1, mood },
    { ...answer, connected },
    { do: 'deliver', count: 1 },
  ]
}

const beginning = fc.option(fc.constantFrom<KnotMood>('updated', 'other', 'other', 'otp', 'lost', 'hidden').map(pushed))
const history = fc.tuple(beginning, moves).map(([first, next]): readonly Move[] => [...(first ?? []), ...next])

function run(moves: readonly Move[]): Model {
  const model = new Model(new World({ reconcileDone: new Set(['enrolled']) }))
  new Laws(model)
  for (const next of moves) model.move(next)
  model.settle()
  return model
}

/** `HISTORIES=5000` for a long run. */
const runs = { numRuns: Number(process.env.HISTORIES ?? 500) }

describe('for every history of events, answers, webhooks, orders and delays', { timeout: 600_000 }, () => {
  it('the laws hold: order, one push at a time, none that is suppressed or called back, none twice, no opt_out undone', () => {
    fc.assert(
      fc.property(history, moves => {
        run(moves)
      }),
      runs,
    )
  })

  it('nothing stays open once everything is answered and all deadlines have fired', () => {
    fc.assert(
      fc.property(history, moves => {
        const { world } = run(moves)
        expect(world.state.cards.map(card => card.discovery).filter(Boolean)).toEqual([])
        for (const merchantId of MERCHANTS) {
          const merchant = world.merchant(USER, merchantId)
          if (merchant !== undefined) expect(merchant).toMatchObject({ attempt: null, queued: null, kept: [] })
        }
        expect(world.timers.size).toBe(0)
      }),
      runs,
    )
  })

  it('every record of the issuer, of Knot and of operators is explained', () => {
    fc.assert(
      fc.property(history, moves => {
        const { world, delivered } = run(moves)
        const explained = new Set<number>()
        // Work that another record stopped, or whose result came before `accepted`, names what opened it as its origin only.
        for (const { source, origin } of world.outcomes) explained.add(source.offset).add(origin.offset)
        const left = delivered.filter(({ source }) => !explained.has(source.offset))
        expect(left.filter(({ body }) => !isProgress(body))).toEqual([])
        expect(world.ignored).toHaveLength(left.length)
      }),
      runs,
    )
  })

  it('every open attempt of an origin at a merchant comes to a final outcome', () => {
    fc.assert(
      fc.property(history, moves => {
        const { world } = run(moves)
        const open = new Set<string>()
        for (const outcome of world.outcomes) {
          if (outcome.attempt === 0) continue
          const work = `${position(outcome.origin)} ${outcome.merchant_id}`
          if (outcome.final) open.delete(work)
          else open.add(work)
        }
        expect([...open]).toEqual([])
      }),
      runs,
    )
  })

  it('the same history gives the same records', () => {
    fc.assert(
      fc.property(history, moves => {
        const first = run(moves).world
        const second = run(moves).world
        expect(second.outcomes).toEqual(first.outcomes)
        expect(second.commands).toEqual(first.commands)
        expect(second.suppressions).toEqual(first.suppressions)
      }),
      { numRuns: 100 },
    )
  })
})

function isProgress(body: UserEvent['body']): boolean {
  return body.kind === 'knot' && body.event === 'CARD_UPDATING'
}

function position({ topic, partition, offset }: SourcePosition): string {
  return `${topic}/${partition}/${offset}`
}
