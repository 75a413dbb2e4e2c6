import { describe, expect, it } from 'vitest'
import { hintValue, merchantKey, PUSHES_KEY, switchValue } from '../../../../src/processors/control.ts'
import type { SwitchOrder } from '../../../../src/processors/control.ts'
import { KillSwitch, STALE_MS } from '../../../../src/processors/provision/killSwitch.ts'
import { recordView } from '../../../support/recordView.ts'

const NOW = Date.UTC(2026, 5, 15)
const ORDER: SwitchOrder = { pushes: 'paused', actor: 'ops', reason: 'a drill', atMs: NOW - 1_000 }

function open(readUpToMs = NOW) {
  const clock = { ms: NOW }
  const reader: { readUpToMs: number; problem: string | null } = { readUpToMs, problem: null }
  const killSwitch = new KillSwitch({ reader, now: () => clock.ms })
  const seen = { changes: 0, hints: [] as string[] }
  killSwitch.onChange(() => {
    seen.changes++
  })
  killSwitch.onHint(({ merchantId, up }) => seen.hints.push(`${merchantId} ${up ? 'up' : 'down'}`))
  let offset = 0
  const apply = (key: string, value: Buffer | string | null) => {
    killSwitch.apply(recordView({ key, value, offset: offset++ }))
    killSwitch.check()
  }
  return { killSwitch, clock, reader, seen, apply }
}

describe('the kill switch', () => {
  it('holds pushes until the topic is read whole, then lets them go where nobody has paused them', () => {
    const { killSwitch, reader, seen } = open(0)
    expect(killSwitch.held()?.reason).toBe('switch_unknown')
    reader.readUpToMs = NOW
    killSwitch.check()
    expect([killSwitch.held(), seen.changes]).toEqual([null, 1])
    killSwitch.check()
    expect(seen.changes).toBe(1)
  })

  it('says who paused, why and since when; the newest order counts', () => {
    const { killSwitch, apply } = open()
    apply(PUSHES_KEY, switchValue(ORDER))
    expect(killSwitch.held()).toEqual({
      reason: 'operator',
      detail: 'ops paused pushes: a drill',
      sinceMs: NOW - 1_000,
    })
    apply(PUSHES_KEY, switchValue({ ...ORDER, pushes: 'running' }))
    expect(killSwitch.held()).toBeNull()
    apply(PUSHES_KEY, switchValue(ORDER))
    expect(killSwitch.held()?.reason).toBe('operator')
  })

  it('what was read too long ago is not known any more', () => {
    const { killSwitch, clock, reader } = open()
    clock.ms += STALE_MS
    expect(killSwitch.held()).toBeNull()
    clock.ms += 1
    reader.problem = 'no leader'
    expect(killSwitch.held()).toMatchObject({ reason: 'switch_unknown' })
    expect(killSwitch.held()?.detail).toContain('no leader')
    reader.readUpToMs = clock.ms
    expect(killSwitch.held()).toBeNull()
  })

  it.each([
    ['of a newer release', '{"pushes":"merchants-only","actor":"a","reason":"r","at":"2026-06-15T00:00:00.000Z"}'],
    ['that is no JSON', 'off'],
    ['that was deleted', null],
    ['without an actor', '{"pushes":"running","reason":"r","at":"2026-06-15T00:00:00.000Z"}'],
  ])('a switch %s is taken for a stop, until an order that can be read', (_, value) => {
    const { killSwitch, apply } = open()
    apply(PUSHES_KEY, value)
    expect(killSwitch.held()).toMatchObject({ reason: 'switch_unknown', sinceMs: NOW })
    expect(killSwitch.held()?.detail).toContain('offset 0')
    apply(PUSHES_KEY, switchValue({ ...ORDER, pushes: 'running' }))
    expect(killSwitch.held()).toBeNull()
  })

  it('passes on what Knot says of merchants, as long as it is news, and does not stop anything by it', () => {
    const { killSwitch, apply, seen } = open()
    apply(merchantKey(19), hintValue({ merchantId: 19, up: false, atMs: NOW - 1_000 }))
    apply(merchantKey(45), hintValue({ merchantId: 45, up: true, atMs: NOW }))
    apply(merchantKey(7), hintValue({ merchantId: 7, up: false, atMs: NOW - 600_000 }))
    apply('merchant/x', hintValue({ merchantId: 1, up: false, atMs: NOW }))
    apply(merchantKey(8), '{"status":"SIDEWAYS"}')
    apply(merchantKey(9), null)
    apply('something else', 'x')
    expect(seen.hints).toEqual(['19 down', '45 up'])
    expect([killSwitch.held(), seen.changes]).toEqual([null, 1])
  })
})
