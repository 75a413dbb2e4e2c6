import { describe, expect, it } from 'vitest'
import type { ProvisioningCommand } from '../../../../src/domain/records.ts'
import { InputNotReadyError } from '../../../../src/engine/processor.ts'
import type { PushAnswer } from '../../../../src/knot/answers.ts'
import { cardWith } from '../../knot/cards.ts'
import { cancel, coded, command, newKey, NO_NAMES, ok, provisionBed, results } from './fakePorts.ts'
import { jsonCodec } from './fakeTask.ts'

describe('a SWITCH', () => {
  it('is pushed once and reports everything that DECIDE needs', async () => {
    const { task, knot } = await provisionBed()
    knot.script.push({ ...ok, startedAtMs: 100, answeredAtMs: 140 })
    task.read(command(5))
    await task.settle()
    expect(knot.sent).toEqual([{ userId: 'ada', merchantId: 19, taskId: null }])
    expect(task.durable.events).toEqual([
      {
        user_id: 'ada',
        source: { topic: 'card-lifecycle', partition: 0, offset: 7, event_id: 'event-7' },
        origin: { topic: 'card-lifecycle', partition: 0, offset: 6, event_id: null },
        occurred_at: 140,
        body: {
          kind: 'result',
          command_id: 'ada:5',
          command_kind: 'SWITCH',
          result: 'ACCEPTED',
          decision_seq: 5,
          attempt: 1,
          card_ref: 'card-a',
          card_version: 1,
          merchant_id: 19,
          reason: null,
          vault_status: 'active',
          vault_version: 'v1',
          accounts: [],
          removed: [],
          under_way: [],
          http_status: 200,
          error_code: null,
          started_at: 100,
          answered_at: 140,
        },
      },
    ])
    expect(task.durable.ledger.size).toBe(0)
    expect(task.durable.timers.size).toBe(0)
  })

  it('is in the ledger as started, with send_by, before its push begins', async () => {
    const { task, knot, clock } = await provisionBed()
    task.read(command(1))
    await task.settle()
    expect(task.ledger()).toMatchObject([
      { state: 'STARTED', started_at: clock.ms, send_by: clock.ms + 20_000, vault_version: 'v1' },
    ])
    expect(task.durable.ledger.size).toBe(1)
    expect(knot.waiting).toHaveLength(1)
  })

  it('is started by the cycle that read it, and its follower by the one that has its answer: one commit for each push', async () => {
    const { task, knot } = await provisionBed()
    const turn = async () => {
      await new Promise(resolve => setImmediate(resolve))
      task.deliver()
    }
    task.read(command(1))
    task.read(command(2))
    await turn()
    expect(knot.waiting).toHaveLength(0)
    task.commit()
    await turn()
    expect(knot.waiting).toHaveLength(1)
    knot.waiting[0]!.answer(ok)
    await turn()
    await turn()
    expect(task.ledger()).toMatchObject([{ command_id: 'ada:2', state: 'STARTED' }])
    expect(knot.waiting).toHaveLength(1)
    task.commit()
    await turn()
    expect(knot.waiting).toHaveLength(2)
  })

  it('does not push while the cycle that holds *started* is not committed', async () => {
    const { task, knot } = await provisionBed()
    task.read(command(1))
    task.commit()
    await new Promise(resolve => setImmediate(resolve))
    expect(task.deliver()).toBe(1)
    expect(task.ledger()[0]?.state).toBe('STARTED')
    task.beginCommit()
    await new Promise(resolve => setImmediate(resolve))
    expect(knot.waiting).toHaveLength(0)
    task.commit()
    await new Promise(resolve => setImmediate(resolve))
    expect(knot.waiting).toHaveLength(1)
  })

  it('carries the task id where the command has one', async () => {
    const { task, knot } = await provisionBed()
    knot.script.push(ok)
    task.read(command(1, { task_id: '25605', merchant_id: null }))
    await task.settle()
    expect(knot.sent).toEqual([{ userId: 'ada', merchantId: null, taskId: '25605' }])
  })

  const final: [answer: PushAnswer, result: string][] = [
    [ok, '1:ACCEPTED'],
    [coded('busy', 400, 'ONGOING_OPERATION'), '1:BUSY'],
    [coded('invalid_field', 400, 'INVALID_FIELD'), '1:REJECTED/invalid_field'],
    [coded('not_linked', 400, 'USER_NOT_FOUND'), '1:REJECTED/not_linked'],
    [coded('relink', 400, 'MERCHANT_ACCOUNT_DISCONNECTED'), '1:REJECTED/relink'],
    [coded('unknown_error', 418), '1:REJECTED/unknown_error'],
    [{ ...coded('ambiguous', 500), why: 'server_error' }, '1:AMBIGUOUS/server_error'],
    [{ ...coded('ambiguous', 500), why: 'timeout' }, '1:AMBIGUOUS/timeout'],
    [{ ...coded('ambiguous', 500), why: 'connection_lost' }, '1:AMBIGUOUS/connection_lost'],
  ]
  it.each(final)('answer %j ends it as %s, and the lane moves on', async (answer, result) => {
    const { task, knot } = await provisionBed()
    knot.script.push(answer, ok)
    task.read(command(1))
    task.read(command(2))
    await task.settle()
    expect(results(task)).toEqual([result, '2:ACCEPTED'])
  })
})

describe('what the vault says', () => {
  it.each([
    [{ kind: 'unknown' }, '1:NOT_SENT/card_unknown', { vault_status: 'unknown', vault_version: null }],
    [
      { kind: 'card', status: 'inactive', version: 'v2', card: null, names: NO_NAMES },
      '1:NOT_SENT/inactive_card',
      { vault_status: 'inactive' },
    ],
    [
      { kind: 'card', status: 'closed', version: 'v2', card: cardWith(), names: NO_NAMES },
      '1:NOT_SENT/inactive_card',
      { vault_status: 'closed' },
    ],
    [
      { kind: 'card', status: 'active', version: 'v2', card: null, names: NO_NAMES },
      '1:INVALID_CARD/invalid_card_data',
      { vault_version: 'v2' },
    ],
    [
      { kind: 'card', status: 'active', version: 'v2', card: cardWith({ card: { cvv: '' } }), names: NO_NAMES },
      '1:INVALID_CARD/invalid_card_data',
      { vault_status: 'active', vault_version: 'v2' },
    ],
    [
      {
        kind: 'card',
        status: 'active',
        version: 'v2',
        card: cardWith({ address: { country: 'CA' } }),
        names: NO_NAMES,
      },
      '1:NOT_SENT/unsupported_region',
      { vault_status: 'active' },
    ],
  ] as const)('%j: %s', async (answer, result, facts) => {
    const { task, vault, knot, role } = await provisionBed()
    vault.cardAnswer = answer
    task.read(command(1))
    await task.settle()
    expect(results(task)).toEqual([result])
    expect(task.durable.events[0]?.body).toMatchObject(facts)
    expect(knot.sent).toEqual([])
    expect(role.status().pacing.inUse).toBe(0)
  })

  it('a vault that is down drops nothing: the command waits, ever longer, and goes on when it is back', async () => {
    const { task, vault, knot, clock } = await provisionBed()
    vault.cardAnswer = { kind: 'unavailable', trouble: 'connection' }
    task.read(command(1))
    const waitsMs: number[] = []
    for (let i = 0; i < 12; i++) {
      await task.settle()
      const dueAtMs = task.timers()[0]![1].dueAtMs
      waitsMs.push(dueAtMs - clock.ms)
      clock.ms = dueAtMs
      task.fireTimers()
    }
    for (const [i, ms] of waitsMs.entries()) {
      const fullMs = Math.min(300_000, 1_000 * 2 ** i)
      expect(ms).toBeGreaterThanOrEqual(Math.max(1_000, 0.75 * fullMs))
      expect(ms).toBeLessThanOrEqual(fullMs)
    }
    vault.cardAnswer = { kind: 'card', status: 'active', version: 'v1', card: cardWith(), names: NO_NAMES }
    knot.script.push(ok)
    await task.settle()
    clock.ms = task.timers()[0]?.[1].dueAtMs ?? clock.ms
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
  })
})

describe('INVALID_JWE', () => {
  it('fetches the key again, rebuilds and pushes once more, protected by a new *started*', async () => {
    const { task, knot, clock } = await provisionBed()
    task.read(command(1))
    await task.settle()
    const first = knot.waiting.shift()!
    first.wire()
    clock.ms += 5_000
    knot.keyAnswer = { kind: 'key', key: await newKey('key-2') }
    first.answer(coded('invalid_jwe', 400, 'INVALID_JWE'))
    await task.settle()
    expect(knot.refused).toEqual([null, first.key])
    expect(task.ledger()).toMatchObject([{ state: 'STARTED', rekeyed: true, send_by: clock.ms + 20_000, tries: 0 }])
    expect(knot.waiting[0]?.key).toMatchObject({ kid: 'key-2' })
    knot.waiting[0]?.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
    expect(knot.sent).toHaveLength(2)
  })

  it('a second time is final', async () => {
    const { task, knot } = await provisionBed()
    knot.script.push(coded('invalid_jwe', 400, 'INVALID_JWE'), coded('invalid_jwe', 400, 'INVALID_JWE'), ok)
    task.read(command(1))
    await task.settle()
    expect(results(task)).toEqual(['1:REJECTED/invalid_jwe'])
    expect(knot.sent).toHaveLength(2)
  })

  it('a crash between the two forgets nothing: the next INVALID_JWE is final', async () => {
    const { task, knot } = await provisionBed()
    knot.script.push(coded('invalid_jwe', 400, 'INVALID_JWE'))
    task.read(command(1))
    for (let i = 0; i < 2; i++) {
      task.commit()
      await new Promise(resolve => setImmediate(resolve))
      task.deliver()
    }
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', rekeyed: true }])
    task.commit()
    task.crash()
    knot.script.push(coded('invalid_jwe', 400, 'INVALID_JWE'))
    await task.settle()
    expect(results(task)).toEqual(['1:REJECTED/invalid_jwe'])
  })
})

describe('the last check at the wire', () => {
  it.each([
    [
      'send_by is over',
      (bed: Awaited<ReturnType<typeof provisionBed>>) => (bed.clock.ms += 20_000),
      '1:NOT_SENT/send_by',
    ],
    [
      'no heartbeat for half a session',
      (bed: Awaited<ReturnType<typeof provisionBed>>) => (bed.task.heartbeatAgeMs = 22_500),
      '1:NOT_SENT/ownership',
    ],
    [
      'a CANCEL was read',
      (bed: Awaited<ReturnType<typeof provisionBed>>) => bed.task.read(cancel(9)),
      '1:NOT_SENT/suppressed',
    ],
  ])('%s', async (_, change, result) => {
    const bed = await provisionBed()
    bed.task.read(command(1))
    await bed.task.settle()
    change(bed)
    const push = bed.knot.waiting.shift()!
    expect(push.wire()).toBe(false)
    push.answer(ok)
    await bed.task.settle()
    expect(results(bed.task)).toContain(result)
    expect(bed.knot.sent).toEqual([])
    expect(bed.role.status().pacing.inUse).toBe(0)
  })

  it('passes one moment before', async () => {
    const { task, knot, clock } = await provisionBed()
    task.read(command(1))
    await task.settle()
    clock.ms += 19_999
    task.heartbeatAgeMs = 22_499
    expect(knot.waiting[0]?.wire()).toBe(true)
  })

  it('not_after counts at the wire too', async () => {
    const { task, knot, clock } = await provisionBed()
    task.read(command(1, { not_after: clock.ms + 1_000 }))
    await task.settle()
    clock.ms += 1_000
    expect(knot.waiting[0]?.wire()).toBe(false)
    knot.waiting[0]?.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['1:NOT_SENT/not_after'])
  })
})

describe('commands that cannot be read', () => {
  it.each([
    ['no value', null, 'empty_value'],
    ['broken bytes', Buffer.from('{'), 'invalid_avro'],
    ['a kind of a newer release', Buffer.from(JSON.stringify({ ...command(1), kind: 'UNKNOWN' })), 'schema_violation'],
    ['a SWITCH without card', Buffer.from(JSON.stringify(command(1, { card_ref: null }))), 'schema_violation'],
    ['a SWITCH to nowhere', Buffer.from(JSON.stringify(command(1, { merchant_id: null }))), 'schema_violation'],
    ['a CANCEL of nothing', Buffer.from(JSON.stringify(command(1, { kind: 'CANCEL' }))), 'schema_violation'],
  ])('%s', async (_, value, reason) => {
    const { task, knot } = await provisionBed()
    knot.script.push(ok)
    task.read(value)
    task.read(command(2))
    await task.settle()
    expect(task.durable.deadLetters).toMatchObject([{ topic: 'onfile-dlq', value: { offset: 0, reason } }])
    expect(results(task)).toEqual(['2:ACCEPTED'])
  })

  it('a schema that is not loaded yet is waited for', async () => {
    const codec = jsonCodec<ProvisioningCommand>()
    const waiting = new InputNotReadyError('schema 7', () => Promise.resolve())
    const { task } = await provisionBed({
      codecs: {
        command: {
          ...codec,
          decode: () => {
            throw waiting
          },
        },
        userEvent: jsonCodec(),
      },
    })
    expect(() => task.read(command(1))).toThrow(waiting)
    expect(task.ledger()).toEqual([])
  })
})

describe('an effect that throws', () => {
  it('after the wire is ambiguous, before it is tried again', async () => {
    const { task, knot, clock, seen } = await provisionBed()
    const push = knot.push.bind(knot)
    let wire = true
    knot.push = (_target, _card, lastCheck) => {
      if (wire) lastCheck()
      return Promise.reject(new Error(`defect near ${cardWith().reveal().card.number}`))
    }
    task.read(command(1))
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/connection_lost'])
    wire = false
    task.read(command(2))
    await task.settle()
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', tries: 1 }])
    knot.push = push
    knot.script.push(ok)
    clock.ms += 1_000
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/connection_lost', '2:ACCEPTED'])
    expect(JSON.stringify(seen.lines)).not.toContain('4242')
  })
})
