import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'
import {
  COMMAND_KINDS,
  FAILURE_STATUSES,
  MERCHANT_STATUSES,
  OUTCOME_REASONS,
  SUPPRESSION_REASONS,
} from './knownLabels.ts'

/** More reasons than the contract and Knot's list have together. */
const MAX_REASONS = 160
const MAX_KINDS = 60
/** The first so many merchants of a process have series of their own. */
const MAX_MERCHANTS = 100
/** The target of freshness (10 s) and the alert's are bounds of their own: no interpolation where it is measured. */
const FRESHNESS_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200]

/** What DECIDE reports. */
export interface DecideMetrics {
  outcome(status: string, reason: string, merchantId: number | null): void
  /**
   * What is told the age of an outcome when it is committed. `decided`: at once, to a record; `pushed`: to the answer of a
   * command that the record had caused.
   */
  freshness(topic: string, path: FreshnessPath): (ageMs: number) => void
  command(kind: string): void
  suppressionsActive(partition: number, counts: Readonly<Record<string, number>>): void
  /** The partition has moved away: what it counted is another process's now. */
  forget(partition: number): void
  suppression(state: string, reason: string): void
  ignored(topic: string, kind: string): void
}

export type FreshnessPath = 'decided' | 'pushed'

/**
 * @param inputs the issuer's topics: the only ones with series of their own in the freshness
 * @param failureReasons reasons of Knot's that the table knows, in snake case
 */
export function decideMetrics(
  instruments: Instruments,
  inputs: readonly string[],
  failureReasons: readonly string[],
): DecideMetrics {
  const reasons = new BoundedLabel(MAX_REASONS)
  const kinds = new BoundedLabel(MAX_KINDS)
  const merchants = new BoundedLabel(MAX_MERCHANTS)
  const outcomes = instruments.counter('onfile_outcomes_total', 'Outcomes written, by what happened and why.', [
    'status',
    'reason',
  ])
  const byMerchant = instruments.counter(
    'onfile_merchant_outcomes_total',
    `Outcomes at a merchant. The first ${MAX_MERCHANTS} merchants of a process have series of their own.`,
    ['merchant', 'status'],
  )
  const commands = instruments.counter('onfile_commands_total', 'Commands given to PROVISION, by kind.', ['kind'])
  const suppressions = instruments.counter('onfile_suppressions_total', 'Suppression records written.', [
    'state',
    'reason',
  ])
  const active = new Map<number, Readonly<Record<string, number>>>()
  instruments.collected(
    'onfile_suppressions_active',
    'Suppressions in force in the partitions that this process has: what must not be pushed. Two reasons count twice.',
    ['reason'],
    gauge => {
      for (const reason of SUPPRESSION_REASONS) gauge.set({ reason }, 0)
      for (const counts of active.values()) {
        for (const reason of SUPPRESSION_REASONS) gauge.inc({ reason }, counts[reason] ?? 0)
      }
    },
  )
  const ignored = instruments.counter(
    'onfile_user_events_ignored_total',
    'Webhooks of a user that change nothing and have no outcome, by kind.',
    ['kind'],
  )
  for (const [status, listed] of Object.entries(OUTCOME_REASONS)) {
    for (const reason of listed) outcomes.inc({ status, reason: reasons.bound(reason) }, 0)
  }
  for (const reason of failureReasons) {
    for (const status of FAILURE_STATUSES) outcomes.inc({ status, reason: reasons.bound(reason) }, 0)
  }
  const known = new Set<string>()
  for (const kind of COMMAND_KINDS) commands.inc({ kind }, 0)
  for (const reason of SUPPRESSION_REASONS) {
    for (const state of ['ACTIVE', 'LIFTED']) suppressions.inc({ state, reason: reasons.bound(reason) }, 0)
  }
  return {
    ignored: (_topic, kind) => ignored.inc({ kind: kinds.bound(kind) }),
    outcome: (status, reason, merchantId) => {
      outcomes.inc({ status, reason: reasons.bound(reason) })
      if (merchantId === null) return
      const merchant = merchants.bound(String(merchantId))
      if (!known.has(merchant)) {
        known.add(merchant)
        for (const one of MERCHANT_STATUSES) byMerchant.inc({ merchant, status: one }, 0)
      }
      byMerchant.inc({ merchant, status })
    },
    freshness: freshness(instruments, inputs),
    command: kind => commands.inc({ kind }),
    suppressionsActive: (partition, counts) => void active.set(partition, counts),
    forget: partition => void active.delete(partition),
    suppression: (state, reason) => suppressions.inc({ state, reason: reasons.bound(reason) }),
  }
}

/** One function per label set, made once: nothing is allocated per outcome. */
function freshness(instruments: Instruments, inputs: readonly string[]): DecideMetrics['freshness'] {
  const topics = new BoundedLabel(inputs.length, inputs)
  const seconds = instruments.histogram(
    'onfile_outcome_freshness_seconds',
    "From the issuer's append of a record to the commit of an outcome that it caused: at once, or by way of Knot. What " +
      'waits by policy (a gap, a retry, a silence) is not in it.',
    ['topic', 'path'],
    FRESHNESS_BUCKETS_SECONDS,
  )
  const reports = new Map<string, (ageMs: number) => void>()
  const reportFor = (topic: string, path: FreshnessPath): ((ageMs: number) => void) => {
    const key = `${path} ${topic}`
    let report = reports.get(key)
    if (report === undefined) {
      report = ageMs => seconds.observe({ topic, path }, Math.max(0, ageMs) / 1_000)
      reports.set(key, report)
      seconds.zero({ topic, path })
    }
    return report
  }
  for (const topic of inputs) for (const path of ['decided', 'pushed'] as const) reportFor(topic, path)
  return (topic, path) => reportFor(topics.bound(topic), path)
}
