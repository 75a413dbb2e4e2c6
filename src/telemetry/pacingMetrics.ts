import type { Gauge } from 'prom-client'
import { BoundedLabel, OTHER_LABEL } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'

/** What is shown of one merchant. */
export interface ShownMerchant {
  /** Null: pushes that name a task of Knot's and no merchant. */
  readonly merchantId: number | null
  readonly waiting: number
  readonly inUse: number
  readonly breaker: string
  /** Until its breaker tries again. */
  readonly breakerWaitMs: number
  readonly places: number
  /** Null = unlimited. */
  readonly perSecond: number | null
}

/** What the limits of a role that pushes do at the moment of a scrape: a part of its `PacingView`, and one limit more. */
export interface ShownPacing {
  readonly inUse: number
  readonly waiting: Readonly<Record<'push' | 'look', number>>
  readonly knotBreaker: string
  readonly knotBreakerWaitMs: number
  readonly places: number
  /** Null = unlimited. */
  readonly perSecond: number | null
  readonly merchants: readonly ShownMerchant[]
  /** Open commands per partition at most; null: the role keeps none. */
  readonly openCommands: number | null
}

/** How one role paces what it sends. */
export interface PacingMetrics {
  waited(kind: string, waitedMs: number): void
  breakerOpened(of: number | 'knot' | null): void
  pacing(view: () => ShownPacing): void
}

/** Merchants that get a label of their own, the first ones met; the others are one. */
const MAX_MERCHANTS = 200
const WAIT_BUCKETS_SECONDS = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 1_800, 7_200, 43_200]
/** Value of the gauges of breakers. */
const BREAKER_VALUES: Readonly<Record<string, number>> = { closed: 0, half_open: 1, open: 2 }

/**
 * The metrics of pacing, which each role that pushes has for itself: limits, turns and breakers are not shared.
 *
 * @param instruments where they are registered
 * @param roles those of this process
 */
export function pacingMetrics(instruments: Instruments, roles: readonly string[]): (role: string) => PacingMetrics {
  const labels = new BoundedLabel(MAX_MERCHANTS, ['none'])
  const labelOf = (merchantId: number | null) => labels.bound(merchantId === null ? 'none' : String(merchantId))
  const waitSeconds = instruments.histogram(
    'onfile_provision_wait_seconds',
    'From asking for a permit to getting it: what rates, concurrency, breakers and pauses cost.',
    ['role', 'kind'],
    WAIT_BUCKETS_SECONDS,
  )
  const opened = instruments.counter('onfile_breaker_opened_total', 'Breakers opened: of a merchant, or of knot.', [
    'role',
    'breaker',
  ])
  for (const role of roles) opened.inc({ role, breaker: 'knot' }, 0)
  const views = new Map<string, () => ShownPacing>()
  registerGauges(instruments, views, labelOf)
  return role => ({
    waited: (kind, waitedMs) => waitSeconds.observe({ role, kind }, waitedMs / 1_000),
    breakerOpened: of => opened.inc({ role, breaker: of === 'knot' ? of : labelOf(of) }),
    pacing: view => {
      views.set(role, view)
    },
  })
}

/** Read at each scrape: what no longer waits leaves no series behind. Nothing is shown of a role that does not run here. */
function registerGauges(
  instruments: Instruments,
  views: ReadonlyMap<string, () => ShownPacing>,
  labelOf: (merchantId: number | null) => string,
): void {
  const collected = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    fill: (gauge: Gauge<Label | 'role'>, shown: ShownPacing, role: string) => void,
  ) => {
    instruments.collected(name, help, ['role', ...labelNames], gauge => {
      for (const [role, view] of views) fill(gauge, view(), role)
    })
  }
  collected(
    'onfile_provision_permits_in_use',
    'Commands or tasks that use the vault or Knot now.',
    [],
    (gauge, { inUse }, role) => gauge.set({ role }, inUse),
  )
  collected(
    'onfile_provision_waiting',
    'Commands or tasks that wait for a permit.',
    ['kind'],
    (gauge, { waiting }, role) => {
      gauge.set({ role, kind: 'push' }, waiting.push)
      gauge.set({ role, kind: 'look' }, waiting.look)
    },
  )
  collected(
    'onfile_provision_limit',
    "This process's part of the limits for all merchants together, and the open commands that one partition may have; +Inf = unlimited.",
    ['limit'],
    (gauge, { places, perSecond, openCommands }, role) => {
      gauge.set({ role, limit: 'concurrency' }, places)
      gauge.set({ role, limit: 'per_second' }, perSecond ?? Number.POSITIVE_INFINITY)
      if (openCommands !== null) gauge.set({ role, limit: 'open_commands' }, openCommands)
    },
  )
  collected(
    'onfile_provision_merchant_waiting',
    'Pushes that wait, by merchant.',
    ['merchant'],
    (gauge, { merchants }, role) => {
      for (const { merchantId, waiting } of merchants) gauge.inc({ role, merchant: labelOf(merchantId) }, waiting)
    },
  )
  collected(
    'onfile_provision_merchant_in_use',
    'Pushes under way, by merchant.',
    ['merchant'],
    (gauge, { merchants }, role) => {
      for (const { merchantId, inUse } of merchants) gauge.inc({ role, merchant: labelOf(merchantId) }, inUse)
    },
  )
  collected(
    'onfile_provision_merchant_limit',
    "This process's part of the limits of a merchant that pushes wait for or go to; +Inf = unlimited.",
    ['merchant', 'limit'],
    (gauge, { merchants }, role) => {
      for (const { merchantId, places, perSecond } of merchants) {
        const merchant = labelOf(merchantId)
        // What the many beyond the bound may do together says nothing about any of them.
        if (merchant === OTHER_LABEL) continue
        gauge.set({ role, merchant, limit: 'concurrency' }, places)
        gauge.set({ role, merchant, limit: 'per_second' }, perSecond ?? Number.POSITIVE_INFINITY)
      }
    },
  )
  collected(
    'onfile_breaker_wait_seconds',
    'Until an open breaker lets one push try; 0 while that one is under way. A breaker that is not listed is closed.',
    ['breaker'],
    (gauge, { knotBreaker, knotBreakerWaitMs, merchants }, role) => {
      if (knotBreaker !== 'closed') gauge.set({ role, breaker: 'knot' }, knotBreakerWaitMs / 1_000)
      const waits = new Map<string, number>()
      for (const { merchantId, breaker, breakerWaitMs } of merchants) {
        if (breaker === 'closed') continue
        const label = labelOf(merchantId)
        waits.set(label, Math.max(waits.get(label) ?? 0, breakerWaitMs / 1_000))
      }
      for (const [breaker, seconds] of waits) gauge.set({ role, breaker }, seconds)
    },
  )
  collected(
    'onfile_breaker_state',
    '0 closed, 1 half-open, 2 open. `knot`: all pushes of the role wait. A merchant that is not listed is closed.',
    ['breaker'],
    (gauge, { knotBreaker, merchants }, role) => {
      gauge.set({ role, breaker: 'knot' }, BREAKER_VALUES[knotBreaker] ?? 0)
      let other = 0
      for (const { merchantId, breaker } of merchants) {
        const label = labelOf(merchantId)
        const value = BREAKER_VALUES[breaker] ?? 0
        if (label === OTHER_LABEL) other = Math.max(other, value)
        else gauge.set({ role, breaker: label }, value)
      }
      if (other > 0) gauge.set({ role, breaker: OTHER_LABEL }, other)
    },
  )
}
