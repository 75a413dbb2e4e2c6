import { describe, expect, it } from 'vitest'
import type { PushAnswer } from '../../../../src/knot/answers.ts'
import type { Bed } from './fakePorts.ts'
import { cancel, coded, command, NO_NAMES, ok, provisionBed, results } from './fakePorts.ts'
import type { FakeTask } from './fakeTask.ts'

describe('what was not accepted stays in its attempt', () => {
  const again: [name: string, answer: PushAnswer, waitMs: number][] = [
    ['no connection', { kind: 'unreachable' }, 1_000],
    ['503', { ...coded('unavailable', 503), retryAfterMs: null }, 1_000],
    ['503 with Retry-After', { ...coded('unavailable', 503), retryAfterMs: 7_000 }, 7_000],
    ['429 with Retry-After', { ...coded('rate_limited', 429), retryAfterMs: 300_000 }, 300_000],
    ['429 with Retry-After 0', { ...coded('rate_limited', 429), retryAfterMs: 0 }, 1_000],
    ['a merchant that Knot cannot reach', coded('merchant_unavailable', 400, 'MERCHANT_UNAVAILABLE'), 1_000],
  ]
  it.each(again)('%s', async (_, answer, waitMs) => {
    const { task, knot, clock } = await provisionBed()
    knot.script.push(answer, ok)
    task.read(command(1))
    await task.settle()
    expect(results(task)).toEqual([])
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', tries: 1, send_by: null, wake_at: clock.ms + waitMs }])
    clock.ms += waitMs - 1
    await task.settle()
    expect(knot.sent.length).toBeLessThan(2)
    clock.ms += 1
    await task.settle()
    expect(results(task)).toEqual(['1:ACCEPTED'])
    expect(task.durable.events[0]?.body).toMatchObject({ attempt: 1 })
  })

  it('until not_after, at that moment and not at the next try', async () => {
    const { task, knot, clock } = await provisionBed()
    const notAfter = clock.ms + 100_000
    knot.script.push({ ...coded('rate_limited', 429), retryAfterMs: 300_000 })
    task.read(command(1, { not_after: notAfter }))
    await task.settle()
    clock.ms = notAfter - 1
    await task.settle()
    expect(results(task)).toEqual([])
    clock.ms = notAfter
    await task.settle()
    expect(results(task)).toEqual(['1:NOT_SENT/not_after'])
    expect(task.durable.ledger.size + task.durable.timers.size).toBe(0)
  })

  it('ONGOING_OPERATION after a 503 may be our own push: ambiguous', async () => {
    const { task, knot, clock } = await provisionBed()
    knot.script.push({ ...coded('unavailable', 503), retryAfterMs: 1_000 }, coded('busy', 400, 'ONGOING_OPERATION'))
    task.read(command(1))
    await task.settle()
    clock.ms += 1_000
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/server_error'])
  })

  it.each([
    ['by a confirmation: ambiguous, as of the request that may have landed', 'confirmed', '1:AMBIGUOUS/server_error'],
    ['by an opt_out: removed, as nothing of it is known', 'opt_out', '2:CANCELLED'],
  ])('a 503 that is called back %s', async (_, reason, result) => {
    const { task, knot, clock } = await provisionBed()
    knot.script.push({ ...coded('unavailable', 503), retryAfterMs: 60_000 })
    const sentAt = clock.ms
    task.read(command(1))
    await task.settle()
    clock.ms += 20_000
    task.read({ ...cancel(2, { merchant_id: 19, command_id: 'ada:1' }), reason })
    await task.settle()
    expect(results(task)[0]).toBe(result)
    if (reason === 'confirmed') expect(task.durable.events[0]?.body).toMatchObject({ started_at: sentAt })
    clock.ms += 60_000
    await task.settle()
    expect(task.durable.ledger.size + task.durable.timers.size + knot.waiting.length).toBe(0)
  })

  describe('a 503 whose card has a newer version by the next try', () => {
    const unavailable = (): PushAnswer => ({ ...coded('unavailable', 503), retryAfterMs: 1_000 })

    /** The request of v1 was answered 503; the next ones, of v2, are answered with these. */
    async function overtaken(...answers: PushAnswer[]) {
      const bed = await provisionBed()
      const { task, knot, vault, clock } = bed
      knot.script.push(unavailable(), ...answers)
      task.read(command(1))
      await task.settle()
      vault.cardAnswer = { ...vault.cardAnswer, version: 'v2' } as typeof vault.cardAnswer
      clock.ms += 1_000
      await task.settle()
      return bed
    }
    const busy = coded('busy', 400, 'ONGOING_OPERATION')

    it('names no version where the account is found busy: which one has landed is not known', async () => {
      const { task } = await overtaken(busy)
      expect(results(task)).toEqual(['1:AMBIGUOUS/server_error'])
      expect(task.durable.events[0]?.body).toMatchObject({ vault_version: null })
    })

    it('names none after a third try of the second version either', async () => {
      const { task, clock } = await overtaken(unavailable(), busy)
      clock.ms += 1_000
      await task.settle()
      expect(results(task)).toEqual(['1:AMBIGUOUS/server_error'])
      expect(task.durable.events[0]?.body).toMatchObject({ vault_version: null })
    })

    it('names none where a confirmation calls it back', async () => {
      const { task } = await overtaken({ ...coded('rate_limited', 429), retryAfterMs: 60_000 })
      task.read({ ...cancel(2, { merchant_id: 19, command_id: 'ada:1' }), reason: 'confirmed' })
      await task.settle()
      expect(results(task)[0]).toBe('1:AMBIGUOUS/server_error')
      expect(task.durable.events[0]?.body).toMatchObject({ vault_version: null })
    })

    it('names none after a restart', async () => {
      const { task } = await overtaken()
      expect(task.ledger()).toMatchObject([{ state: 'STARTED' }])
      task.crash()
      await task.settle()
      expect(results(task)).toEqual(['1:AMBIGUOUS/restarted'])
      expect(task.durable.events[0]?.body).toMatchObject({ vault_version: null })
    })

    it('names the one that Knot accepts', async () => {
      const { task } = await overtaken(ok)
      expect(results(task)).toEqual(['1:ACCEPTED'])
      expect(task.durable.events[0]?.body).toMatchObject({ vault_version: 'v2' })
    })
  })

  it('of one version all along is ambiguous with that version', async () => {
    const { task, knot, clock } = await provisionBed()
    const unavailable: PushAnswer = { ...coded('unavailable', 503), retryAfterMs: 1_000 }
    knot.script.push(unavailable, coded('busy', 400, 'ONGOING_OPERATION'))
    task.read(command(1))
    await task.settle()
    clock.ms += 1_000
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/server_error'])
    expect(task.durable.events[0]?.body).toMatchObject({ vault_version: 'v1' })
  })

  it('what was never sent is removed, also by a confirmation', async () => {
    const { task, clock, knot } = await provisionBed()
    knot.script.push({ ...coded('rate_limited', 429), retryAfterMs: 60_000 })
    task.read(command(1))
    await task.settle()
    task.read({ ...cancel(2, { merchant_id: 19, command_id: 'ada:1' }), reason: 'confirmed' })
    await task.settle()
    expect(results(task)).toEqual(['2:CANCELLED'])
    clock.ms += 60_000
    await task.settle()
    expect(task.durable.ledger.size).toBe(0)
  })

  it('policy.retryScale scales the back-off, not below 1 s, and not Retry-After', async () => {
    const { task, knot, clock } = await provisionBed({ retryScale: 0.001 })
    knot.script.push({ kind: 'unreachable' }, { ...coded('rate_limited', 429), retryAfterMs: 9_000 })
    task.read(command(1))
    await task.settle()
    expect(task.ledger()[0]?.wake_at).toBe(clock.ms + 1_000)
    clock.ms += 1_000
    await task.settle()
    expect(task.ledger()[0]?.wake_at).toBe(clock.ms + 9_000)
  })
})

describe('a command of which a 503 may have landed is never told as not sent', () => {
  /** Knot has answered 503; the repeat, a second later, stands before the wire. */
  async function repeated(notAfterMs: number | null = null) {
    const bed = await provisionBed()
    const { task, knot, clock } = bed
    const firstAt = clock.ms
    knot.script.push({ ...coded('unavailable', 503), retryAfterMs: 1_000 })
    task.read(command(1, { not_after: notAfterMs === null ? null : firstAt + notAfterMs }))
    await task.settle()
    clock.ms += 1_000
    await task.settle()
    return { bed, firstAt }
  }
  const refuse = async ({ task, knot }: Bed) => {
    expect(knot.waiting[0]!.wire()).toBe(false)
    knot.waiting[0]!.answer(ok)
    await task.settle()
  }
  const ambiguous = { result: 'AMBIGUOUS', reason: 'server_error', vault_status: 'active', vault_version: 'v1' }

  const refusals: [why: string, change: (bed: Bed) => void][] = [
    ['send_by is over', ({ clock }) => (clock.ms += 20_000)],
    ['no heartbeat for half a session', ({ task }) => (task.heartbeatAgeMs = 22_500)],
  ]
  describe.each(refusals)('where the repeat is refused at the wire, as %s', (_, change) => {
    it('it waits on in its attempt, and what Knot confirms is its result', async () => {
      const { bed, firstAt } = await repeated()
      const { task, knot } = bed
      change(bed)
      await refuse(bed)
      expect(results(task)).toEqual([])
      expect(task.ledger()).toMatchObject([{ state: 'WAITING', maybe_landed: true, started_at: firstAt, tries: 1 }])
      task.read({ ...cancel(2, { merchant_id: 19, command_id: 'ada:1' }), reason: 'confirmed' })
      await task.settle()
      expect(results(task)).toEqual(['1:AMBIGUOUS/server_error', '2:CANCELLED'])
      expect(task.durable.events[0]?.body).toMatchObject({ ...ambiguous, started_at: firstAt })
      expect(knot.sent).toHaveLength(1)
    })

    it('a busy account at the next one may be its own push, also after a restart', async () => {
      const { bed, firstAt } = await repeated()
      const { task, knot, clock } = bed
      change(bed)
      await refuse(bed)
      task.heartbeatAgeMs = 0
      task.crash()
      knot.script.push(coded('busy', 400, 'ONGOING_OPERATION'))
      clock.ms += 11_250
      await task.settle()
      expect(results(task)).toEqual(['1:AMBIGUOUS/server_error'])
      expect(task.durable.events[0]?.body).toMatchObject({ ...ambiguous, started_at: firstAt })
    })

    it('a CANCEL that is no confirmation removes it', async () => {
      const { bed } = await repeated()
      change(bed)
      await refuse(bed)
      bed.task.read(cancel(2))
      await bed.task.settle()
      expect(results(bed.task)).toEqual(['2:CANCELLED'])
      expect(bed.task.durable.ledger.size + bed.task.durable.timers.size).toBe(0)
    })
  })

  it.each([
    ['at the wire', 1_500, 500],
    ['while it waits', 800, 0],
  ])('where its time is over %s it is ambiguous', async (_, notAfterMs, passMs) => {
    const { bed, firstAt } = await repeated(notAfterMs)
    const { task, knot, clock } = bed
    clock.ms += passMs
    if (passMs > 0) await refuse(bed)
    expect(results(task)).toEqual(['1:AMBIGUOUS/server_error'])
    expect(task.durable.events[0]?.body).toMatchObject({ ...ambiguous, started_at: firstAt })
    expect(knot.sent).toHaveLength(1)
  })

  it.each([
    { kind: 'unknown' },
    { kind: 'card', status: 'closed', version: 'v2', card: null, names: NO_NAMES },
    { kind: 'card', status: 'active', version: 'v2', card: null, names: NO_NAMES },
  ] as const)('where the vault has no card for the repeat (%j) it is ambiguous', async answer => {
    const { task, knot, vault, clock } = await provisionBed()
    const firstAt = clock.ms
    knot.script.push({ ...coded('unavailable', 503), retryAfterMs: 1_000 })
    task.read(command(1))
    await task.settle()
    vault.cardAnswer = answer
    clock.ms += 1_000
    await task.settle()
    expect(results(task)).toEqual(['1:AMBIGUOUS/server_error'])
    expect(task.durable.events[0]?.body).toMatchObject({ ...ambiguous, started_at: firstAt })
    expect(task.durable.ledger.size + task.durable.timers.size).toBe(0)
  })
})

describe('refused credentials pause the role and burn nothing', () => {
  /** Real time passes: probes run on timers. */
  async function until(task: FakeTask, holds: () => boolean): Promise<void> {
    for (let i = 0; i < 500 && !holds(); i++) {
      await new Promise(resolve => setTimeout(resolve, 5))
      await task.settle()
    }
    expect(holds()).toBe(true)
  }

  it('401: no push until the probe is answered', async () => {
    const { task, knot, role, seen } = await provisionBed()
    knot.script.push(coded('unauthorized', 401, 'INVALID_API_KEYS'))
    task.read(command(1))
    await task.settle()
    task.read(command(2, { merchant_id: 12 }))
    await task.settle()
    expect(role.status().paused).toMatchObject({ reason: 'knot_unauthorized' })
    expect(seen.metrics.paused).toEqual([['knot_unauthorized', true]])
    await until(task, () => knot.probes >= 2)
    expect(knot.sent).toHaveLength(1)
    expect(results(task)).toEqual([])
    knot.credentialsFine = true
    knot.script.push(ok, ok)
    await until(task, () => results(task).length === 2)
    expect(results(task).sort()).toEqual(['1:ACCEPTED', '2:ACCEPTED'])
    expect(task.durable.events[0]?.body).toMatchObject({ attempt: 1 })
    expect(role.status().paused).toBeNull()
    expect(seen.metrics.paused).toEqual([
      ['knot_unauthorized', true],
      ['knot_unauthorized', false],
    ])
  })

  it('403: one command at a time tries, until one gets through; looks go on', async () => {
    const { task, knot, role } = await provisionBed()
    const forbidden = coded('forbidden', 403, 'NO_ACCESS')
    knot.script.push(forbidden)
    task.read(command(1))
    await task.settle()
    task.read(command(1, { user_id: 'bob' }))
    task.read(command(1, { user_id: 'cyd' }))
    task.read(command(1, { user_id: 'dan', kind: 'DISCOVER' }))
    await task.settle()
    expect(role.status().paused).toMatchObject({ reason: 'knot_forbidden' })
    expect(knot.sent).toHaveLength(1)
    expect(results(task)).toEqual(['1:DISCOVERED'])
    await until(task, () => knot.waiting.length > 0)
    expect(knot.waiting).toHaveLength(1)
    knot.waiting[0]!.answer(forbidden)
    await until(task, () => knot.waiting.length > 1)
    expect([knot.waiting.length, knot.sent.length]).toEqual([2, 2])
    expect(role.status().paused).not.toBeNull()
    knot.script.push(ok, ok)
    knot.waiting[1]!.answer(ok)
    await until(task, () => results(task).length === 4)
    expect(role.status().paused).toBeNull()
    expect(results(task)).toEqual(['1:DISCOVERED', '1:ACCEPTED', '1:ACCEPTED', '1:ACCEPTED'])
    role.stop()
  })

  it('a vault that refuses us pauses too', async () => {
    const { task, knot, vault, role } = await provisionBed()
    const fine = vault.cardAnswer
    vault.cardAnswer = { kind: 'unauthorized' }
    task.read(command(1))
    await task.settle()
    expect(role.status().paused).toMatchObject({ reason: 'vault_unauthorized' })
    vault.cardAnswer = fine
    knot.script.push(ok)
    await until(task, () => role.status().paused === null)
    expect(results(task)).toEqual(['1:ACCEPTED'])
  })
})
