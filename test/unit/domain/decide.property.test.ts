import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/domain/decision.ts'
import type { CardOutcome, ProvisioningCommand, SourcePosition, UserEvent } from '../../../src/domain/records.ts'
import { MERCHANTS, Model } from './model.ts'
import type { Move } from './model.ts'
import { MINUTE, USER, World } from './world.ts'

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
const which = fc.nat({ max: 5 })
const count = fc.integer({ min: 1, max: 4 })
const minutesAgo = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 30 }) })

function lifecycle(types: readonly string[]): fc.Arbitrary<Move> {
  return fc.record({
    do: fc.constant('lifecycle' as const),
    type: fc.constantFrom(...types),
    // A second card keeps the first one from its merchants: rare, so that most histories get somewhere.
    card: fc.integer({ min: 0, max: 14 }).map(n => (n === 0 ? 1 : 0)),
    minutesAgo,
  })
}

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: lifecycle(TRIGGERS) },
  { weight: 1, arbitrary: lifecycle(OTHER_TYPES) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('redeliver' as const), which }) },
  { weight: 14, arbitrary: fc.record({ do: fc.constant('deliver' as const), count }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('read' as const), count }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      which,
      mood: fc.constantFrom('updated', 'updated', 'otp', 'other', 'busy', 'refused', 'lost'),
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
  { weight: 7, arbitrary: fc.record({ do: fc.constant('webhook' as const), which, isRepeated: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('foreign' as const),
      event: fc.constantFrom('CARD_UPDATED', 'CARD_FAILED', 'AUTHENTICATED', 'ACCOUNT_LOGIN_REQUIRED'),
      merchant: fc.nat({ max: 1 }),
      minutesAgo,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      minutes: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(1, 3, 11) },
        { weight: 1, arbitrary: fc.constantFrom(70, 1_500, 5_000) },
      ),
    }),
  },
)
const history = fc.array(move, { minLength: 5, maxLength: 200, size: 'max' })

/** What holds for every history, checked record by record in the order of `decision_seq`. */
class Laws {
  readonly #world: World
  #seq = 0
  readonly #ended = new Set<string>()
  readonly #openSwitches = new Map<number, ProvisioningCommand>()
  readonly #active = new Map<string, string>()
  readonly #acceptedAt = new Map<number, number>()
  readonly #pushes = new Set<string>()
  /** By suppression key: `decision_seq` of the last record of the decision that brought it into force. */
  readonly #activeSince = new Map<string, number>()

  constructor(model: Model) {
    this.#world = model.world
    model.world.onDecision = decision => this.#check(decision)
    model.onDeliver = event => this.#note(event)
    model.onStart = (command, readSeq) => this.#started(command, readSeq)
  }

  /** Facts about pushes come from PROVISION's answers, not from what DECIDE makes of them. */
  #note({ body }: UserEvent): void {
    if (body.kind !== 'result' || body.command_kind !== 'SWITCH' || body.merchant_id === null) return
    const command = this.#world.commands.find(({ command_id }) => command_id === body.command_id)!
    if (body.result === 'ACCEPTED' || body.result === 'AMBIGUOUS') {
      const push = `${command.origin.offset} ${body.merchant_id} attempt ${command.attempt}`
      expect(command.attempt).toBeLessThanOrEqual(3)
      expect(this.#pushes.has(push), `pushed twice: ${push}`).toBe(false)
      this.#pushes.add(push)
      this.#acceptedAt.set(body.merchant_id, body.answered_at!)
    } else if (this.#openSwitches.get(body.merchant_id)?.command_id === body.command_id) {
      this.#openSwitches.delete(body.merchant_id)
    }
  }

  /** G4: once PROVISION has read on to where a card was suppressed, no push of before that starts. */
  #started(command: ProvisioningCommand, readSeq: number): void {
    if (command.kind !== 'SWITCH') return
    const since = this.#activeSince.get(`${USER}/${command.card_ref}/*`)
    if (since === undefined || command.decision_seq > since) return
    expect(readSeq, 'a push of a suppressed card starts').toBeLessThan(since)
  }

  #check(decision: Decision): void {
    const records = [
      ...decision.outcomes.map(outcome => ({ seq: outcome.decision_seq, apply: () => this.#outcome(outcome) })),
      ...decision.commands.map(command => ({ seq: command.decision_seq, apply: () => this.#command(command) })),
      ...decision.suppressions.flatMap(({ key, record }) =>
        record === null
          ? []
          : [
              {
                seq: record.decision_seq,
                apply: () => this.#suppression(key, record.state, record.reason),
              },
            ],
      ),
    ].sort((a, b) => a.seq - b.seq)
    for (const record of records) {
      expect(record.seq).toBe(++this.#seq)
      record.apply()
    }
    for (const key of this.#active.keys()) if (!this.#activeSince.has(key)) this.#activeSince.set(key, this.#seq)
    const lifted = decision.suppressions.filter(({ record }) => record?.state === 'LIFTED').length
    expect(decision.suppressions.filter(({ record }) => record === null)).toHaveLength(lifted)
  }

  #outcome(outcome: CardOutcome): void {
    expect(outcome.outcome_id).toBe(`${USER}:${outcome.decision_seq}`)
    expect(outcome.final).toBe(outcome.status !== 'ACCEPTED' && outcome.status !== 'RETRY_SCHEDULED')
    const { command_id: commandId, merchant_id: merchantId } = outcome
    if (commandId === null) return
    if (outcome.final) this.#ended.add(commandId)
    else expect(this.#ended.has(commandId), `${outcome.reason} after the end of ${commandId}`).toBe(false)
    const ends = outcome.final || outcome.status === 'RETRY_SCHEDULED'
    if (merchantId !== null && ends && this.#openSwitches.get(merchantId)?.command_id === commandId) {
      this.#openSwitches.delete(merchantId)
    }
  }

  #command(command: ProvisioningCommand): void {
    expect(command.command_id).toBe(`${USER}:${command.decision_seq}`)
    if (command.kind !== 'SWITCH') return
    const merchantId = command.merchant_id!
    expect(this.#openSwitches.get(merchantId), 'two SWITCHes open at one merchant').toBeUndefined()
    this.#openSwitches.set(merchantId, command)
    expect(this.#active.get(`${USER}/${command.card_ref}/*`), 'SWITCH of a suppressed card').toBeUndefined()
    const gapMs = this.#world.now - (this.#acceptedAt.get(merchantId) ?? 0)
    expect(gapMs).toBeGreaterThanOrEqual(10 * MINUTE)
  }

  #suppression(key: string, state: string, reason: string): void {
    if (this.#active.get(key) === 'opt_out') expect(`${state} ${reason}`).toBe('ACTIVE opt_out')
    if (state === 'ACTIVE') {
      expect(this.#active.get(key)).not.toBe(reason)
      this.#active.set(key, reason)
    } else {
      expect(this.#active.delete(key)).toBe(true)
      this.#activeSince.delete(key)
    }
  }
}

function run(moves: readonly Move[]): Model {
  const model = new Model(new World({ reconcileDone: new Set(['enrolled']) }))
  new Laws(model)
  for (const next of moves) model.move(next)
  model.settle()
  return model
}

const runs = { numRuns: 500 }

describe('for every history of events, answers, webhooks and delays', () => {
  it('ids are unique and in order, one push at a time, none for a suppressed card, none twice, no opt_out undone', () => {
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

  it('every record of the issuer and of Knot is explained', () => {
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
