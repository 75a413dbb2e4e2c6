import { describe, expect, it } from 'vitest'
import { testCard } from '../../../../sandbox/people.ts'
import { merchantKey } from '../../../../src/domain/ids.ts'
import { DEFAULT_POLICY } from '../../../../src/domain/policy.ts'
import type { OperatorCommand, UserEvent } from '../../../../src/domain/records.ts'
import { InputNotReadyError } from '../../../../src/engine/processor.ts'
import type { Codec, Table, TaskContext } from '../../../../src/engine/processor.ts'
import { RecordView } from '../../../../src/kafka/recordBatch.ts'
import { APPENDED_AT, appendedAtHeader } from '../../../../src/processors/appendedAt.ts'
import { createDecideTopology } from '../../../../src/processors/decide.ts'
import type { DecideTables } from '../../../../src/processors/decide/decideProcessor.ts'
import type { UnreadableReason } from '../../../../src/processors/decide/ports.ts'
import { operatorOrder } from '../../../support/operatorOrder.ts'
import { recordView } from '../../../support/recordView.ts'

const NOW = Date.UTC(2026, 0, 5)
const PARTITION = 3
const TOPICS = {
  userEvents: 'onfile-user-events',
  commands: 'provisioning-commands',
  outcomes: 'card-outcomes',
  suppressions: 'card-suppressions',
  changelog: 'onfile-decide-changelog',
  deadLetters: 'onfile-dlq',
}

function jsonCodec<T>(): Codec<T> {
  return {
    encode(value, buffer, position) {
      const bytes = Buffer.from(JSON.stringify(value))
      if (position + bytes.length <= buffer.length) bytes.copy(buffer, position)
      return position + bytes.length
    },
    decode: (buffer, start, end) => JSON.parse(buffer.toString('utf8', start, end)) as T,
  }
}

class MapTable<T> implements Table<T> {
  readonly map = new Map<string, T>()
  get = (key: string): T | undefined => this.map.get(key)
  put = (key: string, value: T): void => void this.map.set(key, value)
  delete = (key: string): void => void this.map.delete(key)
  entries = (): IterableIterator<[string, T]> => this.map.entries()
}

/** One DECIDE task on plain maps: what it forwards and schedules is written down. */
function task(decode?: Codec<UserEvent>['decode']) {
  const events = jsonCodec<UserEvent>()
  const forwarded: unknown[][] = []
  const timers = new Map<string, number>()
  const counted: string[] = []
  const active: [partition: number, counts: object][] = []
  const appendedAt: [topic: string, ms: number | null][] = []
  const ages: [topic: string, path: string, ageMs: number][] = []
  const deadLetters: [offset: number, reason: UnreadableReason][] = []
  const tables = {
    users: new MapTable<DecideTables['users']>(),
    merchants: new MapTable<DecideTables['merchants']>(),
    forgotten: new MapTable<DecideTables['forgotten']>(),
    totals: new MapTable<DecideTables['totals']>(),
  }
  const ctx: TaskContext<DecideTables, never> = {
    topic: TOPICS.userEvents,
    partition: PARTITION,
    now: NOW,
    tables,
    forward: (topic, partition, key, value, _encoder, options) => {
      const header = options?.headers?.find(({ key }) => key === APPENDED_AT)?.value
      appendedAt.push([topic, header?.readUIntBE(2, 6) ?? null])
      forwarded.push([topic, partition, key, value === null ? null : Object.hasOwn(value as object, 'command_id')])
    },
    partitionFor: (topic, userId) => {
      if (topic !== TOPICS.outcomes) expect.fail('records go to the partition of the same number')
      return userId === 'stray' ? PARTITION + 1 : PARTITION
    },
    schedule: (key, name, dueAtMs) => void timers.set(`${key} ${name}`, dueAtMs),
    cancelTimer: (key, name) => void timers.delete(`${key} ${name}`),
    cancelTimers: key => [...timers.keys()].forEach(id => id.startsWith(`${key} `) && timers.delete(id)),
    measureCommit: (sinceMs, report) => report(NOW - sinceMs),
    startEffect: () => expect.fail('DECIDE has no effects'),
    startLookUp: () => expect.fail('DECIDE has no effects'),
  }
  const topology = createDecideTopology({
    topics: TOPICS,
    codecs: {
      userEvent: decode === undefined ? events : { ...events, decode },
      command: jsonCodec(),
      outcome: jsonCodec(),
      suppression: jsonCodec(),
    },
    policy: DEFAULT_POLICY,
    metrics: {
      outcome: (status, reason) => void counted.push(`outcome ${status} ${reason}`),
      freshness: (topic, path) => ageMs => void ages.push([topic, path, ageMs]),
      command: kind => void counted.push(`command ${kind}`),
      suppressionsActive: (partition, counts) => void active.push([partition, counts]),
      suppression: (state, reason) => void counted.push(`suppression ${state} ${reason}`),
      ignored: (topic, kind) => void counted.push(`ignored ${topic} ${kind}`),
    },
    deadLetter: (record, reason) => void deadLetters.push([record.offset, reason]),
    idPattern: 'ref-.*',
  })
  const processor = topology.createProcessor({
    role: 'decide',
    topic: TOPICS.userEvents,
    partition: PARTITION,
    heartbeatAgeMs: () => 0,
    sessionTimeoutMs: 45_000,
    partitionCount: 4,
    ended: new AbortController().signal,
  })
  let offset = 0
  const read = (value: Buffer | null, appendedAtMs?: number): void =>
    processor.onRecord(record(offset++, value, appendedAtMs), ctx)
  const readEvent = (event: UserEvent, appendedAtMs?: number): void =>
    read(Buffer.from(JSON.stringify(event)), appendedAtMs)
  const open = (): void => processor.onOpened!(ctx)
  const fire = (key: string, name: string): void => processor.onTimer!({ key, name, dueAtMs: NOW }, ctx)
  return {
    topology,
    forwarded,
    timers,
    counted,
    ages,
    appendedAt,
    active,
    open,
    deadLetters,
    tables,
    read,
    readEvent,
    fire,
  }
}

function record(offset: number, value: Buffer | null, appendedAtMs?: number): RecordView {
  if (value !== null && appendedAtMs !== undefined) {
    return recordView({ value, offset, headers: { [APPENDED_AT]: appendedAtHeader(appendedAtMs)[0]!.value! } })
  }
  const view = new RecordView()
  view.timestamp = NOW - 1_000
  view.buffer = Buffer.concat([Buffer.from('##'), value ?? Buffer.alloc(0), Buffer.from('##')])
  view.offset = offset
  view.valueStart = 2
  view.valueEnd = value === null ? -1 : 2 + value.length
  return view
}

const source = { topic: 'card-lifecycle', partition: 0, offset: 1, event_id: 'e' }

function lifecycle(type: string, uid: string, userId = 'user/1'): UserEvent {
  const body = {
    kind: 'lifecycle',
    own_stamp: true,
    event_uid: uid,
    card_ref: 'card/1',
    type,
    status: null,
    updated_at: NOW,
  } as const
  return { user_id: userId, source, origin: source, occurred_at: NOW, body }
}

describe('suppressions in force', () => {
  const NONE = { opt_out: 0, operator: 0, closed: 0, contact_cardholder: 0 }

  it('are counted over all users of the partition, in its state', () => {
    const { readEvent, active, open, tables } = task()
    open()
    expect(active).toEqual([[PARTITION, NONE]])
    readEvent(lifecycle('opt_out', 'a', 'user/1'))
    readEvent(lifecycle('opt_out', 'b', 'user/2'))
    expect(active.at(-1)).toEqual([PARTITION, { ...NONE, opt_out: 2 }])
    expect(tables.totals.get('suppressions')).toEqual({ ...NONE, opt_out: 2 })
  })

  it('are less when one ends, and the same when an event changes none', () => {
    const { readEvent, active } = task()
    readEvent(lifecycle('contact_cardholder_advice', 'a'))
    expect(active).toEqual([[PARTITION, { ...NONE, contact_cardholder: 1 }]])
    readEvent(lifecycle('enrolled', 'b'))
    expect(active).toHaveLength(1)
    const renewed = lifecycle('updated', 'c')
    readEvent({ ...renewed, body: { ...renewed.body, updated_at: NOW + 1 } as UserEvent['body'] })
    expect(active.at(-1)).toEqual([PARTITION, NONE])
  })
})

describe('the freshness of outcomes', () => {
  const result: UserEvent = {
    ...lifecycle('updated', 'a'),
    body: {
      kind: 'result',
      command_id: 'user/1:1',
      command_kind: 'DISCOVER',
      result: 'DISCOVERED',
      decision_seq: 1,
      attempt: 0,
      card_ref: 'card/1',
      card_version: 1,
      merchant_id: null,
      reason: null,
      vault_status: 'active',
      vault_version: '1',
      accounts: [],
      removed: [],
      under_way: [],
      http_status: 200,
      error_code: null,
      started_at: NOW,
      answered_at: NOW,
    },
  }

  it("is counted from the issuer's append, through the command and its answer", () => {
    const { readEvent, ages, appendedAt } = task()
    readEvent(lifecycle('enrolled', 'x', 'user/2'), NOW - 700)
    expect(ages).toEqual([['card-lifecycle', 'decided', 700]])
    readEvent(lifecycle('updated', 'a'), NOW - 500)
    expect(appendedAt.at(-1)).toEqual(['provisioning-commands', NOW - 500])
    readEvent(result, NOW - 500)
    expect(ages.at(-1)).toEqual(['card-lifecycle', 'pushed', 500])
  })

  it('is counted from the record itself where an operator or a connector wrote it', () => {
    const { readEvent, ages } = task()
    readEvent(lifecycle('enrolled', 'x'))
    expect(ages).toEqual([['card-lifecycle', 'decided', 1_000]])
  })

  it('is not counted for an answer of which nobody knows when its cause came', () => {
    const { readEvent, ages, counted } = task()
    readEvent(lifecycle('updated', 'a'), NOW)
    readEvent(result)
    expect(counted.at(-1)).toBe('outcome SKIPPED not_linked')
    expect(ages).toEqual([])
  })

  it('does not reach the public topics', () => {
    const { readEvent, appendedAt } = task()
    readEvent(lifecycle('contact_cardholder_advice', 'b'), NOW)
    const isPublic = ([topic]: [string, number | null]) => topic !== 'provisioning-commands'
    expect(appendedAt.filter(isPublic).map(([, ms]) => ms)).toEqual([null, null])
  })
})

describe('a card number in what others write', () => {
  const { number } = testCard(7)
  const order = (command: Partial<OperatorCommand>): UserEvent => operatorOrder('user/1', command)

  it('makes a dead letter of it and leaves nothing behind', () => {
    const { readEvent, deadLetters, forwarded, tables } = task()
    readEvent(order({ card_ref: number }))
    expect(deadLetters).toEqual([[0, 'contains_pan']])
    expect(forwarded).toEqual([])
    expect(tables.users.get('user/1')).toBeUndefined()
  })

  it('stops all the same where it is not in what the stop is about: beside it goes a dead letter, and nothing of the number', () => {
    const { readEvent, deadLetters, counted, tables } = task()
    readEvent(order({ actor: `jo ${number}`, request_id: number, reason: `holder of ${number}` }))
    expect(deadLetters).toEqual([[0, 'contains_pan']])
    expect(counted).toContain('outcome SUPPRESSED operator')
    const user = tables.users.get('user/1')
    expect(user?.suppressions[0]?.actor).toBe('unknown')
    expect(JSON.stringify(user)).not.toContain(number)
  })

  it('makes a LIFT without effect, of which its writer hears', () => {
    const { readEvent, deadLetters, counted } = task()
    readEvent(order({}))
    readEvent(order({ action: 'LIFT', request_id: 'request-2', reason: `holder of ${number} has called` }))
    expect(counted.at(-1)).toBe('outcome REJECTED operator')
    expect(deadLetters).toEqual([])
  })

  it("is none where the id is in the issuer's own format (ingest.idPattern)", () => {
    const { readEvent, deadLetters, counted } = task()
    readEvent(order({ card_ref: number }))
    readEvent(order({ card_ref: `ref-${number}` }))
    expect(deadLetters).toEqual([[0, 'contains_pan']])
    expect(counted).toContain('outcome SUPPRESSED operator')
  })
})

describe('DECIDE on the engine', () => {
  it('names its topics, tables and start', () => {
    const { topology } = task()
    expect(topology).toMatchObject({
      role: 'decide',
      inputs: ['onfile-user-events'],
      changelog: 'onfile-decide-changelog',
      stateVersion: 5,
      outputs: ['provisioning-commands', 'card-outcomes', 'card-suppressions', 'onfile-dlq'],
    })
    expect(Object.keys(topology.tables)).toEqual(['users', 'merchants', 'forgotten', 'totals'])
    expect(topology.startAt('onfile-user-events', 0)).toBe('earliest')
  })

  it('writes commands and outcomes under the user, suppressions under their own key, all to its own partition', () => {
    const { readEvent, forwarded, counted, tables } = task()
    readEvent(lifecycle('updated', 'a'))
    readEvent(lifecycle('contact_cardholder_advice', 'b'))
    expect(forwarded).toEqual([
      ['provisioning-commands', PARTITION, 'user/1', true],
      ['card-suppressions', PARTITION, 'user%2F1/card%2F1/*', false],
      ['provisioning-commands', PARTITION, 'user/1', true],
      ['card-outcomes', PARTITION, 'user/1', true],
      ['card-outcomes', PARTITION, 'user/1', true],
    ])
    expect(counted).toEqual([
      'command DISCOVER',
      'suppression ACTIVE contact_cardholder',
      'command CANCEL',
      'outcome HELD contact_cardholder',
      'outcome CANCELLED contact_cardholder',
    ])
    expect(tables.users.get('user/1')?.decision_seq).toBe(5)
  })

  it('writes a tombstone after a lifted suppression, and does not count it', () => {
    const { readEvent, forwarded, counted } = task()
    readEvent(lifecycle('contact_cardholder_advice', 'a'))
    forwarded.length = 0
    const newer = lifecycle('updated', 'b')
    readEvent({ ...newer, body: { ...newer.body, updated_at: NOW + 1 } as UserEvent['body'] })
    expect(forwarded.slice(0, 2)).toEqual([
      ['card-suppressions', PARTITION, 'user%2F1/card%2F1/*', false],
      ['card-suppressions', PARTITION, 'user%2F1/card%2F1/*', null],
    ])
    expect(counted.filter(text => text.startsWith('suppression LIFTED'))).toHaveLength(1)
  })

  it('keeps merchants under their own key and timers under the user, and lets them fire', () => {
    const { readEvent, tables, timers, fire, forwarded } = task()
    readEvent(lifecycle('updated', 'a'))
    const accounts = [
      {
        merchant_id: 11,
        merchant_name: null,
        connected: true,
        update_card: true,
        last_action_at: null,
        last_action_status: null,
      },
    ]
    const answer = {
      kind: 'result',
      command_id: 'user/1:1',
      command_kind: 'DISCOVER',
      result: 'DISCOVERED',
      decision_seq: 1,
      attempt: 1,
      card_ref: 'card/1',
      card_version: 1,
      merchant_id: null,
      reason: null,
      vault_status: 'inactive',
      vault_version: '1',
      accounts,
      removed: [],
      under_way: [],
      http_status: 200,
      error_code: null,
      started_at: NOW,
      answered_at: NOW,
    } as const
    const event: UserEvent = { user_id: 'user/1', source, origin: source, occurred_at: NOW, body: answer }
    readEvent(event)
    expect([...timers.keys()]).toEqual(['user/1 vault:card%2F1'])
    forwarded.length = 0
    fire('user/1', 'vault:card%2F1')
    expect(forwarded).toEqual([['provisioning-commands', PARTITION, 'user/1', true]])
    readEvent({ ...event, body: { ...answer, command_id: 'user/1:3', vault_status: 'active' } })
    expect([...tables.merchants.map.keys()]).toEqual([merchantKey('user/1', 11)])
    expect(timers.get('user/1 hard:11')).toBe(NOW + DEFAULT_POLICY.resultHardMs)
  })

  it('counts webhooks that concern nothing, and writes nothing for them', () => {
    const { readEvent, forwarded, counted, tables } = task()
    const body = {
      kind: 'knot',
      event: 'MERCHANT_STATUS_UPDATE',
      merchant_id: 1,
      merchant_name: null,
      task_id: null,
      card_id: null,
      reason: null,
      send_card: null,
      timestamp: NOW,
      dedupe_key: 'k',
    } as const
    readEvent({ user_id: 'u', source, origin: source, occurred_at: NOW, body })
    expect(counted).toEqual(['ignored onfile-user-events MERCHANT_STATUS_UPDATE'])
    expect(forwarded).toEqual([])
    expect(tables.users.map.size).toBe(0)
  })

  it.each<[string, Buffer | null, UnreadableReason]>([
    ['a null value', null, 'empty_value'],
    ['bytes that are no event', Buffer.from('{'), 'invalid_avro'],
    ['an event without a user', Buffer.from(JSON.stringify(lifecycle('updated', 'a', ''))), 'schema_violation'],
    ["another partition's event", Buffer.from(JSON.stringify(lifecycle('updated', 'a', 'stray'))), 'wrong_partition'],
  ])('%s is a dead letter, and the next record is read', (_, value, reason) => {
    const { read, readEvent, deadLetters, forwarded } = task()
    read(value)
    expect(deadLetters).toEqual([[0, reason]])
    expect(forwarded).toEqual([])
    readEvent(lifecycle('updated', 'a'))
    expect(forwarded).toHaveLength(1)
  })

  it('waits where the schema of a record is not loaded yet', () => {
    const notReady = new InputNotReadyError('schema 7', () => Promise.resolve())
    const { read, deadLetters } = task(() => {
      throw notReady
    })
    expect(() => read(Buffer.from('x'))).toThrow(notReady)
    expect(deadLetters).toEqual([])
  })
})
