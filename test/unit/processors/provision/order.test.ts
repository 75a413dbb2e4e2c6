import { describe, expect, it } from 'vitest'
import type { ProvisioningCommand } from '../../../../src/domain/records.ts'
import { ACCOUNT, cancel, coded, command, ok, provisionBed, results, limits } from './fakePorts.ts'

const MINUTE = 60_000

describe('order', () => {
  it('one (user, merchant) runs in order, others side by side', async () => {
    const { task, knot } = await provisionBed()
    task.read(command(1))
    task.read(command(2, { card_version: 2 }))
    task.read(command(3, { merchant_id: 12 }))
    task.read(command(4, { user_id: 'bob' }))
    await task.settle()
    expect(knot.waiting.map(({ target }) => `${target.userId}@${target.merchantId}`)).toEqual([
      'ada@19',
      'ada@12',
      'bob@19',
    ])
    knot.waiting[0]?.answer(ok)
    await task.settle()
    expect(knot.waiting).toHaveLength(4)
    expect(knot.waiting[3]?.target).toMatchObject({ userId: 'ada', merchantId: 19, taskId: null })
  })

  it('never more at once than the global concurrency', async () => {
    const { task, knot, role } = await provisionBed({ limits: limits({ concurrency: 3 }) })
    for (let i = 0; i < 10; i++) task.read(command(1, { user_id: `user-${i}` }))
    await task.settle()
    expect(knot.waiting).toHaveLength(3)
    expect(role.status()).toMatchObject({
      paused: null,
      outages: [],
      pacing: { inUse: 3, waiting: { push: 7, look: 0 } },
    })
    for (let done = 0; done < 10; done++) {
      knot.waiting[done]?.answer(ok)
      await task.settle()
    }
    expect(knot.sent.map(({ userId }) => userId)).toEqual(Array.from({ length: 10 }, (_, i) => `user-${i}`))
  })

  it('not_before waits in a durable timer, and holds its lane', async () => {
    const { task, knot, clock } = await provisionBed()
    knot.script.push(ok, ok)
    task.read(command(1, { not_before: clock.ms + 10 * MINUTE }))
    task.read(command(2))
    await task.settle()
    expect(knot.sent).toEqual([])
    expect([...task.durable.timers.values()]).toEqual([{ key: 'ada:1', name: 'wake', dueAtMs: clock.ms + 10 * MINUTE }])
    task.crash()
    await task.settle()
    expect(knot.sent).toEqual([])
    clock.ms += 10 * MINUTE
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED', '2:ACCEPTED'])
  })

  it('not_after that is over is answered without a look at the card', async () => {
    const { task, vault, clock } = await provisionBed()
    task.read(command(1, { not_after: clock.ms }))
    task.read(command(2, { kind: 'DISCOVER', not_after: clock.ms }))
    await task.settle()
    expect(results(task)).toEqual(['1:NOT_SENT/not_after', '2:NOT_SENT/not_after'])
    expect(vault.asked).toEqual([])
  })

  it('thousands of expired commands in one lane are answered without a deep stack', async () => {
    const { task, clock } = await provisionBed()
    for (let i = 1; i <= 12_000; i++) task.read(command(i, { not_before: clock.ms + 1, not_after: clock.ms + 2 }))
    clock.ms += 2
    await task.settle()
    expect(task.durable.events).toHaveLength(12_000)
  })

  it('the input waits while the ledger is full, and goes on', async () => {
    const { task, knot } = await provisionBed({ openCommandLimit: 2 })
    task.read(command(1))
    expect(task.processor.wantsInput()).toBe(true)
    task.read(command(2))
    expect(task.processor.wantsInput()).toBe(false)
    await task.settle()
    knot.waiting[0]?.answer(ok)
    await task.settle()
    expect(task.processor.wantsInput()).toBe(true)
  })
})

describe('CANCEL', () => {
  const listed = (seq: number, change: Partial<ProvisioningCommand> = {}) => {
    const { command_id, kind, card_ref, merchant_id } = command(seq, change)
    return { command_id, kind, card_ref, merchant_id }
  }

  it('removes what waits, flags what is under way, and says which is which', async () => {
    const { task, knot, seen } = await provisionBed()
    task.read(command(1))
    task.read(command(2))
    task.read(command(3, { kind: 'DISCOVER', merchant_id: null }))
    await task.settle()
    task.read(command(4, { kind: 'DISCOVER', merchant_id: null }))
    knot.waiting[0]!.wire()
    task.read(cancel(5))
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['3:DISCOVERED', '5:CANCELLED', '1:ACCEPTED'])
    expect(task.durable.events[1]?.body).toMatchObject({
      command_kind: 'CANCEL',
      removed: [listed(2), listed(4, { kind: 'DISCOVER', merchant_id: null })],
      under_way: [listed(1)],
    })
    expect(seen.metrics.appliedCancelOffset).toEqual([[3, 4]])
    expect(task.durable.ledger.size + task.durable.timers.size).toBe(0)
  })

  it.each([
    ['the card', { card_ref: 'card-a' }, ['ada:1', 'ada:3', 'ada:4']],
    ['another card', { card_ref: 'card-z' }, []],
    ['the merchant', { merchant_id: 12 }, ['ada:2', 'ada:3']],
    ['card and merchant', { card_ref: 'card-a', merchant_id: 12 }, ['ada:3']],
    ['the command', { command_id: 'ada:4' }, ['ada:4']],
    ['everything of the user', {}, ['ada:1', 'ada:2', 'ada:3', 'ada:4']],
  ])('covers by %s what is older, and nothing later', async (_, cancels, removed) => {
    const { task, clock } = await provisionBed()
    const not_before = clock.ms + MINUTE
    task.read(command(1, { not_before }))
    task.read(command(2, { not_before, card_ref: 'card-b', merchant_id: 12 }))
    task.read(command(3, { not_before, merchant_id: 12 }))
    task.read(command(4, { not_before, kind: 'DISCOVER', merchant_id: null }))
    task.read(command(9, { not_before }))
    task.read(command(1, { not_before, user_id: 'bob' }))
    task.read(cancel(5, cancels))
    await task.settle()
    const body = task.durable.events[0]?.body
    expect(body?.kind === 'result' && body.removed.map(({ command_id }) => command_id)).toEqual(removed)
    expect(task.ledger()).toHaveLength(6 - removed.length)
  })

  it('stands for nothing later: a newer command of the same card runs', async () => {
    const { task, knot } = await provisionBed()
    knot.script.push(ok)
    task.read(cancel(5))
    task.read(command(6))
    await task.settle()
    expect(results(task)).toEqual(['5:CANCELLED', '6:ACCEPTED'])
  })

  it('while the card is being prepared: never sent, and the next in the lane goes', async () => {
    const { task, knot, role } = await provisionBed()
    knot.script.push(ok)
    task.read(command(1))
    task.commit()
    task.read(cancel(2))
    task.read(command(3, { card_version: 2 }))
    await task.settle()
    expect(results(task)).toEqual(['2:CANCELLED', '3:ACCEPTED'])
    expect(knot.sent).toHaveLength(1)
    expect(role.status().pacing.inUse).toBe(0)
  })

  it('between *started* and its commit: under way, and refused before it reaches the wire', async () => {
    const { task, knot } = await provisionBed()
    task.read(command(1))
    task.commit()
    await new Promise(resolve => setImmediate(resolve))
    task.deliver()
    task.beginCommit()
    task.read(cancel(2))
    task.commit()
    await task.settle()
    expect(knot.sent).toEqual([])
    expect(knot.waiting).toEqual([])
    expect(results(task)).toEqual(['2:CANCELLED', '1:NOT_SENT/suppressed'])
    expect(task.durable.events[0]?.body).toMatchObject({ removed: [], under_way: [listed(1)] })
  })

  it.each([
    [{ ...coded('unavailable', 503), retryAfterMs: null }],
    [coded('invalid_jwe', 400)],
    [coded('unauthorized', 401)],
    [{ kind: 'unreachable' } as const],
  ])('what was under way and not accepted (%j) is not sent again', async answer => {
    const { task, knot } = await provisionBed()
    task.read(command(1))
    await task.settle()
    knot.waiting[0]!.wire()
    task.read(cancel(2))
    knot.waiting[0]!.answer(answer)
    await task.settle()
    expect(results(task)).toEqual(['2:CANCELLED', '1:NOT_SENT/suppressed'])
    expect(knot.sent).toHaveLength(1)
  })

  it('finds nothing and says so', async () => {
    const { task } = await provisionBed()
    task.read(cancel(2))
    await task.settle()
    expect(task.durable.events[0]?.body).toMatchObject({ result: 'CANCELLED', removed: [], under_way: [] })
  })
})

describe('DISCOVER and RECONCILE', () => {
  it('a card for which the vault never answers holds up no other card of its user', async () => {
    const { task, vault } = await provisionBed()
    vault.statusAnswer = { kind: 'unavailable', trouble: 'bad_answer' }
    task.read(command(1, { kind: 'DISCOVER', merchant_id: null }))
    await task.settle()
    vault.statusAnswer = { kind: 'status', status: 'active', version: 'v1' }
    task.read(command(2, { kind: 'DISCOVER', merchant_id: null, card_ref: 'card-b' }))
    await task.settle()
    expect(results(task)).toEqual(['2:DISCOVERED'])
  })

  it('DISCOVER asks vault and Knot', async () => {
    const { task, vault } = await provisionBed()
    task.read(command(1, { kind: 'DISCOVER', merchant_id: null }))
    await task.settle()
    expect(task.durable.events[0]?.body).toMatchObject({
      result: 'DISCOVERED',
      command_kind: 'DISCOVER',
      vault_status: 'active',
      vault_version: 'v1',
      accounts: [ACCOUNT],
      http_status: 200,
    })
    expect(vault.asked).toEqual(['status card-a'])
  })

  it('a card that the vault does not know, a user that Knot does not know', async () => {
    const { task, vault, knot } = await provisionBed()
    vault.statusAnswer = { kind: 'unknown' }
    knot.accountsAnswer = { kind: 'accounts', accounts: [], httpStatus: 404, errorCode: 'USER_NOT_FOUND' }
    task.read(command(1, { kind: 'DISCOVER' }))
    await task.settle()
    expect(task.durable.events[0]?.body).toMatchObject({
      result: 'DISCOVERED',
      vault_status: 'unknown',
      vault_version: null,
      accounts: [],
      error_code: 'USER_NOT_FOUND',
    })
  })

  it('RECONCILE asks Knot only, and waits for the push of its lane', async () => {
    const { task, vault, knot } = await provisionBed()
    task.read(command(1))
    task.read(command(2, { kind: 'RECONCILE' }))
    await task.settle()
    expect(results(task)).toEqual([])
    knot.waiting[0]!.answer(ok)
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED', '2:RECONCILED'])
    expect(vault.asked).toEqual(['card card-a'])
    expect(task.durable.events[1]?.body).toMatchObject({ accounts: [ACCOUNT], vault_status: null })
  })

  it('RECONCILE that Knot does not answer holds up the push behind it, until it is called off', async () => {
    const { task, knot } = await provisionBed()
    knot.accountsAnswer = { kind: 'unavailable', retryAfterMs: 60_000, httpStatus: 503, errorCode: null }
    knot.script.push(ok)
    task.read(command(1, { kind: 'RECONCILE' }))
    task.read(command(2))
    await task.settle()
    expect(results(task)).toEqual([])
    task.read(cancel(3, { command_id: 'ada:1' }))
    await task.settle()
    expect(results(task)).toEqual(['3:CANCELLED', '2:ACCEPTED'])
  })

  it('a question that Knot refuses is answered, everything else is asked again', async () => {
    const { task, knot, clock } = await provisionBed()
    knot.accountsAnswer = { kind: 'unavailable', retryAfterMs: 4_000, httpStatus: 503, errorCode: null }
    task.read(command(1, { kind: 'DISCOVER' }))
    await task.settle()
    expect(results(task)).toEqual([])
    expect(task.timers()[0]?.[1].dueAtMs).toBe(clock.ms + 4_000)
    knot.accountsAnswer = { kind: 'refused', httpStatus: 400, errorCode: 'INVALID_FIELD' }
    clock.ms += 4_000
    await task.settle()
    expect(results(task)).toEqual(['1:REJECTED/unknown_error'])
  })
})
