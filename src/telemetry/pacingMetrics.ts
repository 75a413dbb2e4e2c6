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

/** What the limits of PROVISION do at the moment of a scrape: a part of its `PacingView`. */
export interface ShownPacing {
  readonly inUse: number
  readonly waiting: Readonly<Record<'push' | 'look', number>>
  readonly knotBreaker: string
  readonly knotBreakerWaitMs: number
  readonly places: number
  /** Null = unlimited. */
  readonly perSecond: number | null
  readonly merchants: readonly ShownMerchant[]
}

/** How PROVISION paces what it sends. */
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

/** @param instruments where they are registered */
export function pacingMetrics(instruments: Instruments): PacingMetrics {
  const labels = new BoundedLabel(MAX_MERCHANTS, ['none'])
  const labelOf = (merchantId: number | null) => labels.bound(merchantId === null ? 'none' : String(merchantId))
  const waitSeconds = instruments.histogram(
    'onfile_provision_wait_seconds',
    'From asking for a permit to getting it: what rates, concurrency, breakers and pauses cost.',
    ['kind'],
    WAIT_BUCKETS_SECONDS,
  )
  const opened = instruments.counter('onfile_breaker_opened_total', 'Breakers opened: of a merchant, or of knot.', [
    'breaker',
  ])
  opened.inc({ breaker: 'knot' }, 0)
  let source: (() => ShownPacing) | null = null
  registerGauges(instruments, () => source?.() ?? null, labelOf)
  return {
    waited: (kind, waitedMs) => waitSeconds.observe({ kind }, waitedMs / 1_000),
    breakerOpened: of => opened.inc({ breaker: of === 'knot' ? of : labelOf(of) }),
    pacing: view => {
      source = view
    },
  }
}

/** Read at each scrape: what no longer waits leaves no series behind. Nothing is shown where PROVISION does not run. */
function registerGauges(
  instruments: Instruments,
  view: () => ShownPacing | null,
  labelOf: (merchantId: number | null) => string,
): void {
  const collected = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    fill: (gauge: Gauge<Label>, shown: ShownPacing) => void,
  ) => {
    instruments.collected(name, help, labelNames, gauge => {
      const shown = view()
      if (shown !== null) fill(gauge, shown)
    })
  }
  collected('onfile_provision_permits_in_use', 'Commands that use the vault or Knot now.', [], (gauge, { inUse }) =>
    gauge.set(inUse),
  )
  collected('onfile_provision_waiting', 'Commands that wait for a permit.', ['kind'], (gauge, { waiting }) => {
    gauge.set({ kind: 'push' }, waiting.push)
    gauge.set({ kind: 'look' }, waiting.look)
  })
  collected(
    'onfile_provision_limit',
    "This process's part of the limits for all merchants together; +Inf = unlimited.",
    ['limit'],
    (gauge, { places, perSecond }) => {
      gauge.set({ limit: 'concurrency' }, places)
      gauge.set({ limit: 'per_second' }, perSecond ?? Number.POSITIVE_INFINITY)
    },
  )
  collected('onfile_provision_merchant_waiting', 'Pushes that wait, by merchant.', ['merchant'], (gauge, shown) => {
    for (const { merchantId, waiting } of shown.merchants) gauge.inc({ merchant: labelOf(merchantId) }, waiting)
  })
  collected('onfile_provision_merchant_in_use', 'Pushes under way, by merchant.', ['merchant'], (gauge, shown) => {
    for (const { merchantId, inUse } of shown.merchants) gauge.inc({ merchant: labelOf(merchantId) }, inUse)
  })
  collected(
    'onfile_provision_merchant_limit',
    "This process's part of the limits of a merchant that pushes wait for or go to; +Inf = unlimited.",
    ['merchant', 'limit'],
    (gauge, { merchants }) => {
      for (const { merchantId, places, perSecond } of merchants) {
        const merchant = labelOf(merchantId)
        // What the many beyond the bound may do together says nothing about any of them.
        if (merchant === OTHER_LABEL) continue
        gauge.set({ merchant, limit: 'concurrency' }, places)
        gauge.set({ merchant, limit: 'per_second' }, perSecond ?? Number.POSITIVE_INFINITY)
      }
    },
  )
  collected(
    'onfile_breaker_wait_seconds',
    'Until an open breaker lets one push try; 0 while that one is under way. A breaker that is not listed is closed.',
    ['breaker'],
    (gauge, { knotBreaker, knotBreakerWaitMs, merchants }) => {
      if (knotBreaker !== 'closed') gauge.set({ breaker: 'knot' }, knotBreakerWaitMs / 1_000)
      const waits = new Map<string, number>()
      for (const { merchantId, breaker, breakerWaitMs } of merchants) {
        if (breaker === 'closed') continue
        const label = labelOf(merchantId)
        waits.set(label, Math.max(waits.get(label) ?? 0, breakerWaitMs / 1_000))
      }
      for (const [breaker, seconds] of waits) gauge.set({ breaker }, seconds)
    },
  )
  collected(
    'onfile_breaker_state',
    '0 closed, 1 half-open, 2 open. `knot`: all pushes wait. A merchant that is not listed is closed.',
    ['breaker'],
    (gauge, { knotBreaker, merchants }) => {
      gauge.set({ breaker: 'knot' }, BREAKER_VALUES[knotBreaker] ?? 0)
      let other = 0
      for (const { merchantId, breaker } of merchants) {
        const label = labelOf(merchantId)
        const value = BREAKER_VALUES[breaker] ?? 0
        if (label === OTHER_LABEL) other = Math.max(other, value)
        else gauge.set({ breaker: label }, value)
      }
      if (other > 0) gauge.set({ breaker: OTHER_LABEL }, other)
    },
  )
}
