import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordCodecs } from '../../../../src/avro/records.ts'
import type { UserEvent } from '../../../../src/domain/records.ts'
import type { Processor } from '../../../../src/engine/processor.ts'
import type { RecordView } from '../../../../src/kafka/recordBatch.ts'
import type { PushHold, ShownPacing } from '../../../../src/processors/provision/ports.ts'
import type { WorkKind } from '../../../../src/processors/provision/rolePause.ts'
import { createSwitcherTopology } from '../../../../src/processors/switcher.ts'
import type { SwitcherTopology } from '../../../../src/processors/switcher.ts'
import type { TaskEnd } from '../../../../src/processors/switcher/taskReport.ts'
import type { TaskEffect } from '../../../../src/processors/switcher/taskRun.ts'
import { SchemaShelf } from '../../../support/ingestHarness.ts'
import { recordView } from '../../../support/recordView.ts'
import { FakeTaskContext } from '../../../support/taskContext.ts'
import { coded, fakeKnot, fakeVault, limits, newKey, NO_NAMES, observers, ok } from '../provision/fakePorts.ts'
import type { FakeKnot, FakeVault, Seen } from '../provision/fakePorts.ts'

const NOW = 1_750_000_000_000
const KNOT_EVENTS = 'knot-events'
const USER_EVENTS = 'onfile-user-events'

let nowMs: number
let knot: FakeKnot
let vault: FakeVault
let topology: SwitcherTopology
let context: FakeTaskContext<object, TaskEffect>
let suppressed: boolean
let hold: PushHold | null
let before: RecordView[]
let counts: string[]
let ended: AbortController
let lines: readonly unknown[]
let measured: Seen['metrics']
let waited: WorkKind[]
let pacing: () => ShownPacing
let tellHold: () => void

beforeEach(async () => {
  nowMs = NOW
  knot = fakeKnot(await newKey('k'))
  vault = fakeVault()
  context = new FakeTaskContext({ topic: KNOT_EVENTS, partition: 2, now: NOW })
  suppressed = false
  hold = null
  before = []
  counts = []
  ended = new AbortController()
  const { log, metrics, seen } = observers()
  lines = seen.lines
  measured = seen.metrics
  waited = []
  const schemas = new SchemaShelf()
  const ids = { 'user-event': 1, 'provisioning-command': 2, 'card-outcome': 3, 'card-suppression': 4 }
  topology = createSwitcherTopology({
    topics: { knotEvents: KNOT_EVENTS, userEvents: USER_EVENTS },
    userEvents: recordCodecs(schemas, ids).userEvents,
    schemas,
    idPattern: null,
    knot,
    vault,
    suppressions: { isSuppressed: () => suppressed },
    pushSwitch: { held: () => hold, onChange: listener => void (tellHold = listener) },
    recentRecords: () => Promise.resolve(before),
    limits: limits(),
    metrics: {
      ...metrics,
      waited: kind => void waited.push(kind),
      pacing: view => void (pacing = view),
      task: result => counts.push(result),
      servedMs: () => undefined,
    },
    log,
    probeIntervalMs: 1_000,
    now: () => nowMs,
  })
})
afterEach(() => {
  ended.abort()
  topology.stop()
})

function processorOf(): Processor<object, TaskEffect, TaskEnd> {
  return topology.createProcessor({
    role: 'switcher',
    topic: KNOT_EVENTS,
    partition: 2,
    heartbeatAgeMs: () => 0,
    sessionTimeoutMs: 45_000,
    partitionCount: 4,
    ended: ended.signal,
  })
}

interface Webhook {
  readonly event?: string
  readonly task_id?: number | null
  readonly timestamp?: number
  readonly data?: object
}

function webhook(change: Webhook = {}, key: string | null = 'ada'): RecordView {
  const value = {
    event: 'AUTHENTICATED',
    session_id: 's',
    task_id: 77,
    external_user_id: 'ada',
    merchant: { id: 19, name: 'DoorDash' },
    data: { card_id: 'card-a', send_card: true },
    timestamp: NOW - 100,
    ...change,
  }
  return recordView({ key, value: JSON.stringify(value), timestamp: NOW - 50, offset: 900 })
}

const reports = () =>
  context.forwarded.map(({ value }) => {
    const { body } = value as UserEvent
    if (body.kind !== 'result') throw new Error('a report is a result')
    return body.reason === null ? body.result : `${body.result}/${body.reason}`
  })

/** Reads the record as the engine does, and runs what it starts once the cycle has committed. */
async function serve(processor: Processor<object, TaskEffect, TaskEnd>, record: RecordView): Promise<void> {
  await processor.prepare!([record], ended.signal)
  processor.onRecord(record, context)
  for (const effect of context.effects.splice(0)) {
    const value = await processor.perform!(effect, ended.signal)
    processor.onEffect!(effect, { ok: true, value }, context)
  }
}

describe('a link that waits for its card', () => {
  it('is reported as started before anything is sent, then as Knot answers', async () => {
    knot.script.push(ok)
    const processor = processorOf()
    await processor.prepare!([webhook()], ended.signal)
    processor.onRecord(webhook(), context)
    expect(reports()).toEqual(['AMBIGUOUS/task_started'])
    expect(knot.sent).toEqual([])
    const [effect] = context.effects
    const value = await processor.perform!(effect!, ended.signal)
    processor.onEffect!(effect!, { ok: true, value }, context)
    expect(knot.sent).toEqual([{ userId: 'ada', merchantId: 19, taskId: '77' }])
    expect(reports()).toEqual(['AMBIGUOUS/task_started', 'ACCEPTED'])
    const { key, value: event } = context.forwarded[1]!
    expect(key).toBe('ada')
    expect(event).toMatchObject({
      user_id: 'ada',
      source: { topic: KNOT_EVENTS, partition: 2, offset: 900, event_id: null },
      body: { command_id: 'task:77', decision_seq: 0, card_ref: 'card-a', merchant_id: 19, vault_version: 'v1' },
    })
    expect(counts).toEqual(['accepted'])
  })

  it('is served once, however often its webhook comes', async () => {
    knot.script.push(ok, ok)
    const processor = processorOf()
    await serve(processor, webhook())
    await serve(processor, webhook())
    expect(knot.sent).toHaveLength(1)
    expect(counts).toEqual(['accepted', 'duplicate'])
  })

  it('is not served again by a new owner, who finds it before its own position', async () => {
    before = [webhook()]
    await serve(processorOf(), webhook())
    expect([knot.sent, reports(), counts]).toEqual([[], [], ['duplicate']])
  })

  it('waits for who was before, as long as that cannot be read', async () => {
    const failing = createSwitcherTopology({
      ...{ topics: { knotEvents: KNOT_EVENTS, userEvents: USER_EVENTS }, idPattern: null, knot, vault },
      userEvents: { encode: () => 0 },
      schemas: new SchemaShelf(),
      suppressions: { isSuppressed: () => false },
      pushSwitch: { held: () => null, onChange: () => undefined },
      recentRecords: () => Promise.reject(new Error('no leader')),
      limits: limits(),
      metrics: { ...observers().metrics, task: () => undefined, servedMs: () => undefined },
      log: observers().log,
      probeIntervalMs: 1_000,
    })
    const processor = failing.createProcessor({
      ...{ role: 'switcher', topic: KNOT_EVENTS, partition: 2, partitionCount: 4, sessionTimeoutMs: 45_000 },
      heartbeatAgeMs: () => 0,
      ended: ended.signal,
    })
    await expect(processor.prepare!([webhook()], ended.signal)).rejects.toThrow('no leader')
    failing.stop()
  })

  it.each<[string, Webhook, string | null, string, string]>([
    ['found after its window', { timestamp: NOW - 14_000 }, 'ada', 'NOT_SENT/not_after', 'missed'],
    ['without a card', { data: { send_card: true, card_id: null } }, 'ada', 'NOT_SENT/card_unknown', 'no_card'],
    ['in a record without a key', {}, null, 'NOT_SENT/not_after', 'no_key'],
  ])('%s is told and not started', async (_, change, key, report, count) => {
    await serve(processorOf(), webhook(change, key))
    expect([knot.sent, reports(), counts]).toEqual([[], [report], [count]])
  })

  it('without the id of its task is counted', async () => {
    await serve(processorOf(), webhook({ task_id: null }))
    expect([reports(), counts]).toEqual([[], ['no_task']])
  })

  it.each<[string, Webhook]>([
    ['a link that sends no card', { data: { card_id: 'card-a', send_card: false } }],
    ['another webhook', { event: 'CARD_UPDATED' }],
    ['a card number where its id belongs', { data: { send_card: true, card_id: '4242424242424242' } }],
  ])('is not %s', async (_, change) => {
    await serve(processorOf(), webhook(change))
    expect([reports(), counts]).toEqual([[], []])
  })
})

describe('the push', () => {
  it('is stopped by a suppression that comes between its start and the wire', async () => {
    const processor = processorOf()
    processor.onRecord(webhook(), context)
    const running = processor.perform!(context.effects[0]!, ended.signal)
    while (knot.waiting.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    suppressed = true
    const push = knot.waiting[0]!
    expect(push.wire()).toBe(false)
    push.answer({ kind: 'vetoed' })
    expect(await running).toEqual({ result: 'NOT_SENT', reason: 'suppressed' })
    expect(knot.sent).toEqual([])
  })

  it('that Knot did not accept comes again while the window is open', async () => {
    knot.script.push({ ...coded('unavailable', 503), retryAfterMs: null }, ok)
    await serve(processorOf(), webhook())
    expect(knot.sent).toHaveLength(2)
    expect(reports()).toEqual(['AMBIGUOUS/task_started', 'ACCEPTED'])
  })

  it('whose result is unknown never comes again', async () => {
    knot.script.push({ ...coded('ambiguous', 500), why: 'server_error' })
    await serve(processorOf(), webhook())
    expect(knot.sent).toHaveLength(1)
    expect(reports()).toEqual(['AMBIGUOUS/task_started', 'AMBIGUOUS/server_error'])
  })

  describe('that Knot answered 503 to may have landed', () => {
    const firstAt = NOW + 10
    const maybe = (startedAtMs = firstAt) => ({
      ...coded('unavailable', 503),
      retryAfterMs: null,
      startedAtMs,
      answeredAtMs: startedAtMs + 1,
    })
    const landed = { result: 'AMBIGUOUS', reason: 'server_error', startedAtMs: firstAt, vaultVersion: 'v1' }

    /** Runs the push; `next` once Knot's answer to its first request is known, and before there is another. */
    async function pushed(next: (processor: Processor<object, TaskEffect, TaskEnd>) => void): Promise<TaskEnd> {
      const processor = processorOf()
      processor.onRecord(webhook(), context)
      const running = processor.perform!(context.effects[0]!, ended.signal)
      while (knot.waiting.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
      knot.waiting.shift()!.answer(maybe())
      next(processor)
      return running
    }

    it.each<[string, (processor: Processor<object, TaskEffect, TaskEnd>) => void]>([
      ['its window is over', () => (nowMs = NOW + 14_000)],
      ['the user opts out', () => (suppressed = true)],
      ['the user opts out while it waits', () => void setTimeout(() => (suppressed = true), 50)],
      ['its partition is given up', processor => processor.onDraining!()],
      ['its task ends', () => ended.abort()],
      ['the vault closes the card', () => (vault.cardAnswer = { kind: 'unknown' })],
      [
        'the vault has no card data any more',
        () => (vault.cardAnswer = { kind: 'card', status: 'active', version: 'v1', card: null, names: NO_NAMES }),
      ],
      ['Knot is busy at the repeat', () => knot.script.push(coded('busy', 400, 'ONGOING_OPERATION'))],
      ['the repeat is unknown too', () => knot.script.push({ ...coded('ambiguous', 500), why: 'server_error' })],
    ])('so it is told, as of that request, when %s', async (_, next) => {
      expect(await pushed(next)).toMatchObject(landed)
    })

    it('so it is told when it goes stale at the wire', async () => {
      const running = pushed(() => undefined)
      while (knot.waiting.length === 0 || knot.sent.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
      nowMs = NOW + 14_000
      expect(knot.waiting[0]!.wire()).toBe(false)
      knot.waiting[0]!.answer(ok)
      expect(await running).toMatchObject(landed)
      expect(knot.sent).toHaveLength(1)
    })

    it('and names no version where requests of two may have', async () => {
      const end = await pushed(() => {
        vault.cardAnswer = { ...vault.cardAnswer, version: 'v2' } as typeof vault.cardAnswer
        knot.script.push(maybe(NOW + 300), { ...coded('ambiguous', 500), why: 'server_error' })
      })
      expect(end).toMatchObject({ ...landed, vaultVersion: null })
      expect(knot.sent).toHaveLength(3)
    })

    it.each([
      ['accepts', ok, { result: 'ACCEPTED', startedAtMs: ok.startedAtMs }],
      ['refuses', coded('relink', 400), { result: 'REJECTED', reason: 'relink' }],
    ])('and ends as the repeat does that Knot %s', async (_, answer, end) => {
      expect(await pushed(() => knot.script.push(answer))).toMatchObject(end)
    })

    it('as an end that is counted and reported so', async () => {
      knot.script.push(maybe())
      const processor = processorOf()
      processor.onRecord(webhook(), context)
      const [effect] = context.effects
      const running = processor.perform!({ ...effect!, notAfterMs: NOW + 50 }, ended.signal)
      while (knot.sent.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
      nowMs = NOW + 60
      processor.onEffect!(effect!, { ok: true, value: await running }, context)
      expect(reports()).toEqual(['AMBIGUOUS/task_started', 'AMBIGUOUS/server_error'])
      expect(context.forwarded[1]!.value).toMatchObject({ body: { started_at: firstAt, vault_status: 'active' } })
      expect(counts).toEqual(['ambiguous'])
    })
  })

  it('waits while its partition is paused, and is given up with the partition where it waits', async () => {
    const processor = processorOf()
    processor.onRecord(webhook(), context)
    processor.onPaused!()
    const running = processor.perform!(context.effects[0]!, ended.signal)
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(vault.asked).toEqual([])
    processor.onDraining!()
    expect(await running).toEqual({ result: 'NOT_SENT', reason: 'not_after' })
    expect(knot.sent).toEqual([])
  })

  it('goes on when the pause of its partition is over', async () => {
    knot.script.push(ok)
    const processor = processorOf()
    processor.onRecord(webhook(), context)
    processor.onPaused!()
    const running = processor.perform!(context.effects[0]!, ended.signal)
    await new Promise(resolve => setTimeout(resolve, 50))
    processor.onResumed!(context)
    expect(await running).toMatchObject({ result: 'ACCEPTED' })
    expect(knot.sent).toHaveLength(1)
  })

  it('that ends in a defect of ours may have reached Knot, and what the error says is not repeated', () => {
    const processor = processorOf()
    processor.onRecord(webhook(), context)
    const error = new TypeError('cannot read 4242424242424242')
    processor.onEffect!(context.effects[0]!, { ok: false, error }, context)
    expect(reports()).toEqual(['AMBIGUOUS/task_started', 'AMBIGUOUS/server_error'])
    expect(JSON.stringify(lines)).toContain('TypeError')
    expect(JSON.stringify(lines)).not.toContain('4242')
  })

  it('is not made after its window, whatever it has waited for', async () => {
    const processor = processorOf()
    processor.onRecord(webhook(), context)
    nowMs = NOW + 13_900
    expect(await processor.perform!(context.effects[0]!, ended.signal)).toEqual({
      result: 'NOT_SENT',
      reason: 'not_after',
    })
    expect(knot.sent).toEqual([])
  })

  it('gives up at the end of its window while an operator holds pushes', async () => {
    const processor = processorOf()
    hold = { reason: 'operator', detail: 'a drill', sinceMs: NOW }
    processor.onRecord(webhook(), context)
    const [effect] = context.effects
    const running = processor.perform!({ ...effect!, notAfterMs: NOW + 50 }, ended.signal)
    setTimeout(() => void (nowMs = NOW + 60), 20)
    expect(await running).toEqual({ result: 'NOT_SENT', reason: 'not_after' })
    expect(knot.sent).toEqual([])
  })

  it('is not made where the vault does not know the card', async () => {
    vault.cardAnswer = { kind: 'unknown' }
    await serve(processorOf(), webhook())
    expect(reports()).toEqual(['AMBIGUOUS/task_started', 'NOT_SENT/card_unknown'])
    expect(counts).toEqual(['card_refused'])
  })
})

describe('what operators see of SWITCHER', () => {
  it('its limits as they are, the waits for a permit, and the time of a push', async () => {
    knot.script.push(ok)
    const processor = processorOf()
    expect(pacing()).toMatchObject({ places: 2, inUse: 0, openCommands: null, knotBreaker: 'closed' })
    await serve(processor, webhook())
    expect([waited, measured.pushMs]).toEqual([['push'], [expect.any(Number)]])
  })

  it('its breaker, once most of its pushes fail', async () => {
    const processor = processorOf()
    for (let taskId = 1; taskId <= 10; taskId++) {
      knot.script.push({ ...coded('ambiguous', 500), why: 'server_error' })
      await serve(processor, webhook({ task_id: taskId }))
    }
    expect(measured.breakerOpened).toEqual(['knot'])
    expect(pacing().knotBreaker).toBe('open')
  })

  it('the stop of an operator, and its end', () => {
    hold = { reason: 'operator', detail: 'ada paused pushes: a drill', sinceMs: NOW }
    tellHold()
    hold = null
    tellHold()
    expect(measured.paused).toEqual([
      ['operator', true],
      ['operator', false],
    ])
    expect(JSON.stringify(lines)).toContain('a drill')
  })

  it('a pause for refused credentials', async () => {
    const processor = processorOf()
    vault.cardAnswer = { kind: 'unauthorized' }
    processor.onRecord(webhook(), context)
    const running = processor.perform!({ ...context.effects[0]!, notAfterMs: NOW + 30 }, ended.signal)
    setTimeout(() => void (nowMs = NOW + 40), 10)
    await running
    expect(measured.paused).toEqual([['vault_unauthorized', true]])
  })
})
