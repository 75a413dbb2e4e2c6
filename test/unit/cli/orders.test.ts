import { describe, expect, it, test } from 'vitest'
import type { OpenOrderDesk } from '../../../src/cli/order/desk.ts'
import type { UserOrder } from '../../../src/cli/order/flags.ts'
import type { CardOutcome, OutcomeStatus, SourcePosition } from '../../../src/domain/records.ts'
import { testCard } from '../../../sandbox/people.ts'
import { onfile as runWords } from './commandLine.ts'
import type { Ended } from './commandLine.ts'

const ENVIRONMENT = { ONFILE_KAFKA_BROKERS: 'broker:9092', ONFILE_REGISTRY_URL: 'http://registry:8081', USER: 'ops' }
const POSITION: SourcePosition = { topic: 'onfile-user-events', partition: 2, offset: 41, event_id: null }
const OTHER: SourcePosition = { topic: 'card-lifecycle', partition: 0, offset: 3, event_id: 'event-1' }

function outcome(status: OutcomeStatus, reason: string, more: Partial<CardOutcome> = {}): CardOutcome {
  return {
    outcome_id: 'u-1:7',
    user_id: 'u-1',
    card_ref: null,
    card_version: null,
    merchant_id: null,
    merchant_name: null,
    status,
    final: true,
    reason,
    raw_reason: null,
    attempt: 0,
    command_id: null,
    next_attempt_at: null,
    decision_seq: 7,
    source: POSITION,
    origin: POSITION,
    occurred_at: 0,
    recorded_at: 0,
    ...more,
  }
}

/** A desk in memory that answers every order with these outcomes; `silent` never answers. */
class MemoryDesk {
  readonly orders: UserOrder[] = []
  closed = 0
  readonly #outcomes: readonly CardOutcome[] | 'silent'

  constructor(outcomes: readonly CardOutcome[] | 'silent') {
    this.#outcomes = outcomes
  }

  readonly open: OpenOrderDesk = () =>
    Promise.resolve({
      write: order => {
        this.orders.push(order)
        return Promise.resolve({
          position: POSITION,
          outcomes: () =>
            this.#outcomes === 'silent' ? new Promise(() => undefined) : Promise.resolve(this.#outcomes),
        })
      },
      close: () => {
        this.closed++
        return Promise.resolve()
      },
    })
}

function onfile(words: readonly string[], desk: MemoryDesk, environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return runWords(words, { ...ENVIRONMENT, ...environment }, { openOrderDesk: desk.open })
}

const applied = (): MemoryDesk => new MemoryDesk([outcome('SUPPRESSED', 'operator')])
const reason = ['--reason', 'ticket 7']

describe('an order', () => {
  it('is written with everything that it was given, and its outcome is printed', async () => {
    const desk = new MemoryDesk([
      outcome('SUPPRESSED', 'operator'),
      outcome('CANCELLED', 'operator', { origin: OTHER, merchant_id: 16, merchant_name: 'Netflix', attempt: 1 }),
    ])
    const words = ['suppress', '--user', ' u-1 ', '--card', 'card-1', '--merchant', '16', '--until', '2099-01-01']
    const ended = await onfile([...words, ...reason, '--actor', 'jo', '--request-id', 'r-1'], desk)
    expect(desk.orders).toEqual([
      {
        userId: 'u-1',
        command: {
          kind: 'operator',
          request_id: 'r-1',
          action: 'SUPPRESS',
          actor: 'jo',
          reason: 'ticket 7',
          card_ref: 'card-1',
          merchant_id: 16,
          until: Date.UTC(2099, 0, 1),
        },
      },
    ])
    expect(ended.err).toBe('')
    expect(ended.out.split('\n')).toEqual([
      '✓ SUPPRESS u-1, card card-1, merchant 16, until 2099-01-01T00:00:00.000Z: SUPPRESSED/operator',
      '  Netflix (no card, attempt 1): CANCELLED/operator: stopped in time by an operator',
      '  order onfile-user-events-2@41, request r-1, by jo: ticket 7',
    ])
    expect(ended.code).toBe(0)
    expect(desk.closed).toBe(1)
  })

  it.each(['suppress', 'lift', 'retry', 'cancel', 'forget'])('%s is about the whole user by default', async action => {
    const desk = applied()
    expect((await onfile([action, '--user', 'u-1', ...reason], desk)).code).toBe(0)
    expect(desk.orders[0]?.command).toMatchObject({
      action: action.toUpperCase(),
      actor: 'ops',
      card_ref: null,
      merchant_id: null,
      until: null,
    })
    expect(desk.orders[0]?.command.request_id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('that DECIDE refuses is 1, with the reason', async () => {
    const { code, out } = await onfile(
      ['lift', '--user', 'u-1', ...reason],
      new MemoryDesk([outcome('REJECTED', 'operator')]),
    )
    expect(out).toContain('✗ LIFT u-1, all cards, all merchants: REJECTED/operator')
    expect(out).toContain('nothing is suppressed for exactly this scope')
    expect(code).toBe(1)
  })

  it.each([
    ['forgotten', 'only onfile lift for the whole user ends that'],
    ['duplicate', 'was refused before'],
    ['limit', 'lift some first'],
  ])('that is REJECTED/%s says why', async (reasonCode, why) => {
    const ended = await onfile(
      ['suppress', '--user', 'u-1', ...reason],
      new MemoryDesk([outcome('REJECTED', reasonCode)]),
    )
    expect(ended.out).toContain(why)
    expect(ended.code).toBe(1)
  })

  it('that nobody answers is 69, and says that it stands', async () => {
    const desk = new MemoryDesk('silent')
    const { code, err } = await onfile(
      ['cancel', '--user', 'u-1', ...reason, '--wait', '50ms', '--request-id', 'r-9'],
      desk,
    )
    expect(err).toContain('onfile-user-events-2@41')
    expect(err).toContain('Write it again only with --request-id r-9')
    expect(code).toBe(69)
    expect(desk.closed).toBe(1)
  })

  it('is not waited for with --no-wait', async () => {
    const desk = new MemoryDesk('silent')
    const { code, out } = await onfile(['cancel', '--user', 'u-1', ...reason, '--no-wait'], desk)
    expect(out).toContain('order onfile-user-events-2@41')
    expect(code).toBe(0)
  })
})

const pan = testCard(11).number
const grouped = pan.replace(/(\d{4})(?=\d)/g, '$1 ')

describe('nothing is written and the exit code is 64', () => {
  const user = ['--user', 'u-1']
  test.each<[string, string[], string]>([
    ['without a user', ['suppress', ...reason], '--user'],
    ['for a blank user', ['suppress', '--user', ' ', ...reason], '--user must name a user'],
    ['for a user id of 256 bytes', ['suppress', '--user', 'é'.repeat(128), ...reason], '255 bytes'],
    ['for a card number as user id', ['suppress', '--user', pan, ...reason], '--user holds a card number'],
    ['for a card number as card', ['cancel', ...user, '--card', grouped, ...reason], '--card holds a card number'],
    ['for a card number as request id', ['cancel', ...user, '--request-id', pan, ...reason], '--request-id holds'],
    ['without a reason', ['suppress', ...user], '--reason'],
    ['for a blank reason', ['suppress', ...user, '--reason', ' '], '--reason must say why'],
    [
      'for a card number in the reason',
      ['lift', ...user, '--reason', `lost ${grouped}`],
      '--reason holds a card number',
    ],
    ['for a reason without end', ['lift', ...user, '--reason', 'x'.repeat(501)], 'no longer than 500'],
    ['for a card number as actor', ['lift', ...user, ...reason, '--actor', pan], '--actor holds a card number'],
    ['for a merchant by name', ['retry', ...user, ...reason, '--merchant', 'Netflix'], '--merchant must be'],
    ['for a merchant 0', ['retry', ...user, ...reason, '--merchant', '0'], '--merchant must be'],
    ['for a merchant beyond int32', ['retry', ...user, ...reason, '--merchant', '2147483648'], '--merchant must be'],
    ['for an end that has passed', ['suppress', ...user, ...reason, '--until', '2020-01-01'], '--until has passed'],
    ['for an end that is no time', ['suppress', ...user, ...reason, '--until', 'soon'], '--until must be'],
    ['for an end of a lift', ['lift', ...user, ...reason, '--until', '30d'], "unknown option '--until'"],
    ['for a forget of one card', ['forget', ...user, ...reason, '--card', 'c'], "unknown option '--card'"],
    ['for a wait of no time', ['cancel', ...user, ...reason, '--wait', '0s'], 'duration'],
    ['for a card number typed as an option', ['cancel', ...user, ...reason, `--${pan}`], 'unknown option'],
  ])('%s', async (_what, words, complaint) => {
    const desk = applied()
    const { code, out, err } = await onfile(words, desk)
    expect(err).toContain(complaint)
    expect(`${out}${err}`.replaceAll(/[ -]/g, '')).not.toContain(pan)
    expect(code).toBe(64)
    expect(desk.orders).toEqual([])
  })

  test('without an actor where $USER is not set', async () => {
    const desk = applied()
    const { code, err } = await onfile(['cancel', ...user, ...reason], desk, { USER: undefined })
    expect(err).toContain('--actor is required')
    expect(code).toBe(64)
  })

  test('and every problem is named at once', async () => {
    const { err } = await onfile(['suppress', '--user', pan, '--reason', ' ', '--until', 'soon'], applied())
    expect(err.split('\n')).toHaveLength(4)
  })
})

test('ids of the form that the issuer declared are no card numbers', async () => {
  const desk = applied()
  const words = ['suppress', '--user', pan, ...reason]
  expect((await onfile(words, desk, { ONFILE_INGEST_ID_PATTERN: '\\d{16}' })).code).toBe(0)
  expect(desk.orders).toHaveLength(1)
})

test('an order needs Kafka and the registry, and neither Knot nor the vault', async () => {
  const words = ['cancel', '--user', 'u-1', ...reason]
  const { code, err } = await onfile(words, applied(), {
    ONFILE_KAFKA_BROKERS: undefined,
    ONFILE_REGISTRY_URL: undefined,
  })
  expect(err).toContain('kafka.brokers is required')
  expect(err).toContain('registry.url is required')
  expect(code).toBe(78)
})
