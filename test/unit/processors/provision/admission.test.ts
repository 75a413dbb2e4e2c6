import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Admission } from '../../../../src/processors/provision/admission.ts'
import type { AdmissionOptions } from '../../../../src/processors/provision/admission.ts'
import type { PushLimits } from '../../../../src/processors/provision/limits.ts'
import type { Permit } from '../../../../src/processors/provision/permit.ts'
import type { PushHold } from '../../../../src/processors/provision/ports.ts'
import type { PushSignal } from '../../../../src/processors/provision/pushSignal.ts'
import type { PermitRequest } from '../../../../src/processors/provision/waiter.ts'
import { limits } from './fakePorts.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type Ask = Partial<Omit<PermitRequest, 'commandId'>>

function open(change: Partial<PushLimits> = {}, more: Partial<AdmissionOptions> = {}) {
  const events: string[] = []
  const waits: [string, number][] = []
  const hold: { now: PushHold | null; changed: () => void } = { now: null, changed: () => undefined }
  const admission = new Admission({
    limits: limits({ concurrency: 2, ...change }),
    pushSwitch: { held: () => hold.now, onChange: listener => (hold.changed = listener) },
    probeIntervalMs: 1_000,
    credentialsAccepted: () => Promise.resolve(false),
    onPaused: ({ reason }) => events.push(`paused ${reason}`),
    onResumed: ({ reason }) => events.push(`resumed ${reason}`),
    onBreakerOpened: of => events.push(`breaker ${of}`),
    onWaited: (kind, waitedMs) => waits.push([kind, Math.round(waitedMs)]),
    now: Date.now,
    clockMs: () => performance.now(),
    ...more,
  })
  const granted: string[] = []
  const permits = new Map<string, Permit>()
  const owner = {}
  const ask = (name: string, request: Ask = {}) =>
    void admission
      .acquire({ kind: 'push', owner, merchantId: 1, notAfterMs: null, ...request, commandId: name })
      .then(permit => {
        granted.push(permit === null ? `${name}: none` : name)
        if (permit !== null) permits.set(name, permit)
      })
  const end = (name: string, signal?: Partial<PushSignal>) => {
    const permit = permits.get(name)!
    if (signal !== undefined) permit.learned({ knotWorks: null, merchantWorks: null, retryAfterMs: null, ...signal })
    permit.release()
  }
  return { admission, events, granted, permits, ask, end, owner, waits, hold }
}

const flush = () => vi.advanceTimersByTimeAsync(0)
const look = { kind: 'look', merchantId: null } as const
const DOWN = { knotWorks: true, merchantWorks: false } as const

describe('permits', () => {
  it('are given in turn to pushes and looks, never more than the concurrency', async () => {
    const { admission, granted, end, ask } = open()
    for (const name of ['a', 'b', 'c', 'd']) ask(name, name === 'c' ? look : {})
    await flush()
    expect(granted).toEqual(['a', 'b'])
    end('b')
    await flush()
    expect(granted).toEqual(['a', 'b', 'c'])
    end('b')
    await flush()
    expect(granted).toEqual(['a', 'b', 'c'])
    end('a')
    await flush()
    expect(granted).toEqual(['a', 'b', 'c', 'd'])
    expect(admission.view().inUse).toBe(2)
  })

  it('are waited for as long as they are of use, and no longer', async () => {
    const { admission, granted, ask } = open({ concurrency: 1 })
    ask('a')
    ask('b', { notAfterMs: Date.now() + 60_000 })
    ask('c')
    await vi.advanceTimersByTimeAsync(59_000)
    expect(granted).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(16_000)
    expect(granted).toEqual(['a', 'b: none'])
    expect(admission.view().waiting).toEqual({ push: 1, look: 0 })
  })

  it('are not waited for by a command that is gone', async () => {
    const { admission, granted, ask, end, owner } = open({ concurrency: 1 })
    ask('a')
    ask('b')
    ask('c')
    admission.withdraw(owner, 'b')
    admission.withdraw(owner, 'b')
    admission.withdraw(owner, 'unknown')
    await flush()
    end('a')
    await flush()
    expect(granted).toEqual(['a', 'b: none', 'c'])
  })

  it('that nobody gives back free themselves after two minutes', async () => {
    const { admission, ask } = open()
    ask('a')
    await vi.advanceTimersByTimeAsync(119_999)
    expect(admission.view().inUse).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(admission.view().inUse).toBe(0)
  })

  it('of a dismissed owner are not waited for', async () => {
    const { admission, granted, ask } = open({ concurrency: 1 })
    const other = {}
    ask('a')
    ask('b', { owner: other })
    ask('c', { ...look, owner: other })
    ask('d')
    admission.dismiss(other)
    await flush()
    expect(granted).toEqual(['a', 'b: none', 'c: none'])
    expect(admission.view().waiting).toEqual({ push: 1, look: 0 })
  })

  it('come at the configured rate, with a small burst', async () => {
    const { granted, ask, waits } = open({ concurrency: 1_000, ratePerSecond: 20 })
    for (let i = 0; i < 100; i++) ask(String(i))
    await flush()
    expect(granted).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(granted.length).toBeGreaterThanOrEqual(19)
    expect(granted.length).toBeLessThanOrEqual(23)
    expect(waits.at(-1)?.[1]).toBeGreaterThan(900)
  })

  it('are the share of the limits that the partitions here are of all', async () => {
    const { admission, granted, ask } = open({ concurrency: 8 })
    const tasks = [{}, {}, {}, {}]
    admission.join(tasks[0]!, 0, 4)
    for (let i = 0; i < 20; i++) ask(String(i), look)
    await flush()
    expect(granted).toHaveLength(2)
    admission.join(tasks[1]!, 1, 4)
    admission.join(tasks[2]!, 2, 4)
    await flush()
    expect(granted).toHaveLength(6)
    admission.leave(tasks[2]!, 2, 4)
    expect(admission.view().places).toBe(4)
    // A task that was opened again for the same partition: the end of the one before changes nothing.
    admission.join(tasks[3]!, 0, 4)
    admission.leave(tasks[0]!, 0, 4)
    expect(admission.view().places).toBe(4)
  })
})

describe('merchants', () => {
  it('get their turns one after the other, whatever waits for each', async () => {
    const { granted, ask, end } = open({ concurrency: 1 })
    for (let i = 0; i < 50; i++) ask(`big ${i}`, { merchantId: 1 })
    ask('small 0', { merchantId: 2 })
    ask('small 1', { merchantId: 2 })
    ask('tiny', { merchantId: 3 })
    await flush()
    for (let i = 0; i < 6; i++) {
      end(granted.at(-1)!)
      await flush()
    }
    expect(granted.map(name => name.split(' ')[0])).toEqual(['big', 'big', 'small', 'tiny', 'big', 'small', 'big'])
  })

  it('have at most so many pushes under way, and leave the other permits to others', async () => {
    const { granted, ask, end, admission } = open({ concurrency: 8, merchant: { concurrency: 2, ratePerSecond: null } })
    for (let i = 0; i < 20; i++) ask(`one ${i}`)
    ask('two', { merchantId: 2 })
    await flush()
    expect(granted).toHaveLength(3)
    expect(granted).toContain('two')
    end('one 0')
    await flush()
    expect(granted).toHaveLength(4)
    expect(admission.view().merchants).toContainEqual(
      expect.objectContaining({ merchantId: 1, waiting: 17, inUse: 2, breaker: 'closed' }),
    )
  })

  it('have a rate each, and one of their own where it is configured', async () => {
    const { granted, ask } = open({
      concurrency: 1_000,
      merchant: { concurrency: 100, ratePerSecond: 10 },
      merchants: new Map([[2, { ratePerSecond: 2 }]]),
    })
    for (let i = 0; i < 100; i++) for (const merchantId of [1, 2, 3]) ask(`${merchantId} ${i}`, { merchantId })
    await vi.advanceTimersByTimeAsync(10_000)
    const count = (merchant: string) => granted.filter(name => name.startsWith(`${merchant} `)).length
    expect(count('1')).toBeGreaterThanOrEqual(98)
    expect(count('3')).toBeGreaterThanOrEqual(98)
    expect(count('2')).toBeGreaterThanOrEqual(19)
    expect(count('2')).toBeLessThanOrEqual(21)
  })

  it('a conversion of 10,000 users at one merchant costs a newcomer there two turns, and nothing elsewhere', async () => {
    const { granted, ask, end } = open({ concurrency: 16, merchant: { concurrency: 8, ratePerSecond: null } })
    for (let i = 0; i < 10_000; i++) ask(`conversion ${i}`)
    await flush()
    ask('elsewhere', { merchantId: 2 })
    ask('newcomer')
    await flush()
    expect(granted).toContain('elsewhere')
    end('conversion 0')
    end('conversion 1')
    await flush()
    expect(granted).toContain('newcomer')
  })

  it('that do not answer are left alone, tried one at a time, and taken back', async () => {
    const { admission, events, granted, ask, end } = open({ concurrency: 100 })
    for (let i = 0; i < 5; i++) ask(`a ${i}`)
    await flush()
    for (let i = 0; i < 5; i++) end(`a ${i}`, DOWN)
    expect(events).toEqual(['breaker 1'])
    for (let i = 0; i < 5; i++) ask(`b ${i}`)
    ask('other', { merchantId: 2 })
    await vi.advanceTimersByTimeAsync(4_990)
    expect(granted.slice(5)).toEqual(['other'])
    expect(admission.view().merchants.find(({ merchantId }) => merchantId === 1)).toMatchObject({ breaker: 'open' })
    await vi.advanceTimersByTimeAsync(20)
    expect(granted).toHaveLength(7)
    end(granted.at(-1)!, DOWN)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(granted).toHaveLength(7)
    await vi.advanceTimersByTimeAsync(2_000)
    const trial = granted.at(-1)!
    // Nothing was learned: a card that is not active any more, say.
    end(trial)
    await flush()
    expect(granted).toHaveLength(9)
    end(granted.at(-1)!, { knotWorks: true, merchantWorks: true })
    await flush()
    expect(granted).toHaveLength(11)
  })

  it('are left alone on a hint, and tried on another', async () => {
    const { admission, granted, ask } = open({ concurrency: 100 })
    admission.hint(1, false)
    ask('a')
    ask('b')
    await flush()
    expect(granted).toEqual([])
    admission.hint(1, true)
    await flush()
    expect(granted).toEqual(['a'])
  })
})

describe('Knot as a whole', () => {
  it('that fails gets no pushes but one at a time, and looks as before', async () => {
    const { admission, events, granted, ask, end } = open({ concurrency: 100 })
    for (let i = 0; i < 10; i++) ask(`a ${i}`, { merchantId: i })
    await flush()
    for (let i = 0; i < 10; i++) end(`a ${i}`, { knotWorks: false, retryAfterMs: i === 9 ? 30_000 : null })
    expect(events).toEqual(['breaker knot'])
    for (let i = 0; i < 10; i++) ask(`b ${i}`, { merchantId: i })
    ask('look', look)
    await vi.advanceTimersByTimeAsync(29_900)
    expect(granted.slice(10)).toEqual(['look'])
    await vi.advanceTimersByTimeAsync(200)
    expect(granted.slice(11)).toHaveLength(1)
    end(granted.at(-1)!, { knotWorks: true, merchantWorks: true })
    await flush()
    expect(granted).toHaveLength(21)
    expect(admission.view().knotBreaker).toBe('closed')
  })
})

describe('the global stop', () => {
  it('gives no permit to pushes, looks go on, and its end is noticed', async () => {
    const { granted, ask, hold } = open()
    hold.now = { reason: 'operator', detail: 'x', sinceMs: 0 }
    ask('push')
    ask('look', look)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(granted).toEqual(['look'])
    hold.now = null
    hold.changed()
    await flush()
    expect(granted).toEqual(['look', 'push'])
  })
})

describe('a pause', () => {
  it('for wrong credentials lets nothing pass until the probe is answered', async () => {
    let accepted = false
    let probes = 0
    const { admission, events, granted, ask } = open(
      {},
      { credentialsAccepted: () => (probes++, Promise.resolve(accepted)) },
    )
    admission.pause('knot_unauthorized')
    admission.pause('knot_unauthorized')
    ask('a')
    ask('b', look)
    await vi.advanceTimersByTimeAsync(3_000)
    expect([probes, granted]).toEqual([3, []])
    accepted = true
    await vi.advanceTimersByTimeAsync(1_000)
    expect(granted).toEqual(['a', 'b'])
    expect(events).toEqual(['paused knot_unauthorized', 'resumed knot_unauthorized'])
    await vi.advanceTimersByTimeAsync(5_000)
    expect(probes).toBe(4)
  })

  it('a probe that fails changes nothing', async () => {
    const { admission, ask } = open({}, { credentialsAccepted: () => Promise.reject(new Error('no')) })
    admission.pause('knot_unauthorized')
    ask('a')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(admission.paused).not.toBeNull()
  })

  it('for missing access lets one push try per interval; looks pass, and prove nothing', async () => {
    const { admission, granted, permits, ask, end } = open({ concurrency: 10 })
    admission.pause('knot_forbidden')
    ask('push 1')
    ask('push 2')
    ask('look', look)
    await flush()
    expect(granted).toEqual(['look'])
    admission.proved(permits.get('look')!, 'knot_forbidden')
    expect(admission.paused).not.toBeNull()
    await vi.advanceTimersByTimeAsync(2_500)
    expect(granted).toEqual(['look', 'push 1'])
    end('push 1')
    await vi.advanceTimersByTimeAsync(500)
    expect(granted).toEqual(['look', 'push 1', 'push 2'])
    admission.proved(permits.get('push 2')!, 'vault_unauthorized')
    expect(admission.paused).not.toBeNull()
    admission.proved(permits.get('push 2')!, 'knot_forbidden')
    expect(admission.paused).toBeNull()
  })

  it('what began before the pause does not end it', async () => {
    const { admission, permits, ask } = open()
    ask('a')
    await flush()
    admission.pause('knot_forbidden')
    admission.proved(permits.get('a')!, 'knot_forbidden')
    expect(admission.paused?.reason).toBe('knot_forbidden')
  })

  it('for another reason than before end the first one: no gauge of it stays up', async () => {
    const { admission, events } = open()
    admission.pause('knot_forbidden')
    await vi.advanceTimersByTimeAsync(10)
    admission.pause('vault_unauthorized')
    expect(events).toEqual(['paused knot_forbidden', 'resumed knot_forbidden', 'paused vault_unauthorized'])
  })

  it('stopping ends every wait and every timer', async () => {
    const { admission, granted, ask } = open({ ratePerSecond: 1, merchant: { concurrency: 1, ratePerSecond: 1 } })
    admission.pause('vault_unauthorized')
    ask('a')
    ask('b', { notAfterMs: Date.now() + 1_000_000 })
    admission.stop()
    await flush()
    expect(granted).toEqual(['a: none', 'b: none'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
