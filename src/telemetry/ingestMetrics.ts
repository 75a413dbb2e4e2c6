import { BoundedLabel } from './boundedLabel.ts'
import type { Instruments } from './instruments.ts'
import { DEAD_LETTER_REASONS, UNREADABLE_REASONS } from './knownLabels.ts'

/** More reasons than the contract has. */
const MAX_REASONS = 40
/** More kinds of webhooks than Knot documents. */
const MAX_KINDS = 60

/** What INGEST reports; the dead letters of the other roles come here too. */
export interface IngestMetrics {
  forwarded(topic: string, kind: string): void
  ignored(topic: string, kind: string): void
  deadLettered(topic: string, reason: string): void
}

/**
 * @param inputs the topics that the roles of this process read: `external` ones of INGEST may hold anything, `own` ones of
 * DECIDE and PROVISION only what onfile wrote
 */
export function ingestMetrics(
  instruments: Instruments,
  inputs: { readonly external: readonly string[]; readonly own: readonly string[] },
): IngestMetrics {
  const kinds = new BoundedLabel(MAX_KINDS)
  const reasons = new BoundedLabel(MAX_REASONS, [...new Set([...DEAD_LETTER_REASONS, ...UNREADABLE_REASONS])])
  const forwarded = instruments.counter('onfile_records_forwarded_total', 'Input records that found their user.', [
    'topic',
    'kind',
  ])
  const ignored = instruments.counter(
    'onfile_records_ignored_total',
    'Input records that concern no card and no user, by kind.',
    ['topic', 'kind'],
  )
  const deadLetters = instruments.counter(
    'onfile_dlq_records_total',
    'Records that could not be processed, by reason. The topic is the one that the record was read from.',
    ['topic', 'reason'],
  )
  for (const topic of inputs.external) {
    for (const kind of ['lifecycle', 'knot']) forwarded.inc({ topic, kind }, 0)
    for (const reason of DEAD_LETTER_REASONS) deadLetters.inc({ topic, reason }, 0)
  }
  for (const topic of inputs.own) for (const reason of UNREADABLE_REASONS) deadLetters.inc({ topic, reason }, 0)
  return {
    forwarded: (topic, kind) => forwarded.inc({ topic, kind: kinds.bound(kind) }),
    ignored: (topic, kind) => ignored.inc({ topic, kind: kinds.bound(kind) }),
    deadLettered: (topic, reason) => deadLetters.inc({ topic, reason: reasons.bound(reason) }),
  }
}
