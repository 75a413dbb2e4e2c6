import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Admission } from '../../../../src/processors/provision/admission.ts'
import type { AdmissionOptions, Permit, WorkKind } from '../../../../src/processors/provision/admission.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open(more: Partial<AdmissionOptions> = {}) {
  const events: string[] = []
  const admission = new Admission({
    concurrency: 2,
    ratePerSecond: null,
    probeIntervalMs: 1_000,
    credentialsAccepted: () => Promise.resolve(false),
    onPaused: ({ reason }) => events.push(`paused ${reason}`),
    onResumed: ({ reason }) => events.push(`resumed ${reason}`),
    now: Date.now,
    ...more,
  })
  const granted: string[] = []
  const permits: Permit[] = []
  const owner = {}
  const ask = (name: string, kind: WorkKind = 'push', by: object = owner) =>
    void admission.acquire(kind, by).then(permit => {
      granted.push(permit === null ? `${name}: none` : name)
      if (permit !== null) permits.push(permit)
    })
  return { admission, events, granted, permits, ask, owner }
}

const flush = () => vi.advanceTimersByTimeAsync(0)

describe('permits', () => {
  it('are given in the order of asking, never more than the concurrency', async () => {
    const { admission, granted, permits, ask } = open()
    for (const name of ['a', 'b', 'c', 'd']) ask(name, name === 'c' ? 'look' : 'push')
    await flush()
    expect(granted).toEqual(['a', 'b'])
    permits[1]!.release()
    await flush()
    expect(granted).toEqual(['a', 'b', 'c'])
    permits[1]!.release()
    await flush()
    expect(granted).toEqual(['a', 'b', 'c'])
    permits[0]!.release()
    await flush()
    expect(granted).toEqual(['a', 'b', 'c', 'd'])
    expect(admission.permitsInUse).toBe(2)
  })

  it('are not waited for longer than 15 s', async () => {
    const { admission, granted, ask } = open({ concurrency: 1 })
    ask('a')
    ask('b')
    await vi.advanceTimersByTimeAsync(14_999)
    expect(granted).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(1)
    expect(granted).toEqual(['a', 'b: none'])
    expect(admission.permitsWaitedFor).toBe(0)
  })

  it('that nobody gives back free themselves after two minutes', async () => {
    const { admission, ask } = open()
    ask('a')
    await vi.advanceTimersByTimeAsync(119_999)
    expect(admission.permitsInUse).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(admission.permitsInUse).toBe(0)
  })

  it('of a dismissed owner are not waited for', async () => {
    const { admission, granted, ask } = open({ concurrency: 1 })
    const other = {}
    ask('a')
    ask('b', 'push', other)
    ask('c', 'look', other)
    ask('d')
    admission.dismiss(other)
    await flush()
    expect(granted).toEqual(['a', 'b: none', 'c: none'])
    expect(admission.permitsWaitedFor).toBe(1)
  })

  it('come at the configured rate, with a small burst', async () => {
    const { granted, ask } = open({ concurrency: 1_000, ratePerSecond: 20 })
    for (let i = 0; i < 100; i++) ask(String(i))
    await flush()
    expect(granted).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(granted.length).toBeGreaterThanOrEqual(19)
    expect(granted.length).toBeLessThanOrEqual(23)
  })
})

describe('a pause', () => {
  it('for wrong credentials lets nothing pass until the probe is answered', async () => {
    let accepted = false
    let probes = 0
    const { admission, events, granted, ask } = open({
      credentialsAccepted: () => (probes++, Promise.resolve(accepted)),
    })
    admission.pause('knot_unauthorized')
    admission.pause('knot_unauthorized')
    ask('a')
    ask('b', 'look')
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
    const { admission, ask } = open({ credentialsAccepted: () => Promise.reject(new Error('no')) })
    admission.pause('knot_unauthorized')
    ask('a')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(admission.paused).not.toBeNull()
  })

  it('for missing access lets one push try per interval; looks pass, and prove nothing', async () => {
    const { admission, granted, permits, ask } = open({ concurrency: 10 })
    admission.pause('knot_forbidden')
    ask('push 1')
    ask('push 2')
    ask('look', 'look')
    await flush()
    expect(granted).toEqual(['look'])
    admission.proved(permits[0]!, 'knot_forbidden')
    expect(admission.paused).not.toBeNull()
    await vi.advanceTimersByTimeAsync(2_500)
    expect(granted).toEqual(['look', 'push 1'])
    permits[1]!.release()
    await vi.advanceTimersByTimeAsync(500)
    expect(granted).toEqual(['look', 'push 1', 'push 2'])
    admission.proved(permits[2]!, 'vault_unauthorized')
    expect(admission.paused).not.toBeNull()
    admission.proved(permits[2]!, 'knot_forbidden')
    expect(admission.paused).toBeNull()
  })

  it('what began before the pause does not end it', async () => {
    const { admission, permits, ask } = open()
    ask('a')
    await flush()
    admission.pause('knot_forbidden')
    admission.proved(permits[0]!, 'knot_forbidden')
    expect(admission.paused?.reason).toBe('knot_forbidden')
  })

  it('stopping ends every wait and every timer', async () => {
    const { admission, granted, ask } = open({ ratePerSecond: 1 })
    admission.pause('vault_unauthorized')
    ask('a')
    admission.stop()
    await flush()
    expect(granted).toEqual(['a: none'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
