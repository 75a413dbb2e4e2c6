import { z } from 'zod'
import { UNUSABLE, idOf } from './ids.ts'
import { instantMs } from './instant.ts'
import { rejected } from './rejection.ts'
import type { Rejection } from './rejection.ts'

/** A readable account-updater event before its user and its stamp are settled. */
export interface LifecycleInput {
  readonly kind: 'lifecycle'
  readonly eventUid: string | null
  readonly cardRef: string
  readonly type: string
  readonly status: string | null
  /** Milliseconds; null where it is missing. */
  readonly updatedAt: number | null | 'unusable'
  /** The first user field that holds anything, whatever its type; null where none does. */
  readonly userField: unknown
}

/** Types and statuses are words; more of a longer text would only fill the state. */
const MAX_WORD_LENGTH = 64

const anything = z.unknown().optional()
const optionalText = z.string().nullish()
// Only what is used is checked: a strange `enrolled_at` must not stop an opt-out.
const lifecycleSchema = z.object({
  event_uid: optionalText,
  user_id: anything,
  external_user_id: anything,
  data: z.object({
    id: anything,
    token: anything,
    type: optionalText,
    status: optionalText,
    updated_at: anything,
    user_id: anything,
    external_user_id: anything,
  }),
})

/** Validates and normalises a decoded account-updater event (seed 004), JSON and Avro alike. */
export function lifecycleInput(value: unknown, cardRefField: 'id' | 'token'): LifecycleInput | Rejection {
  const parsed = lifecycleSchema.safeParse(value)
  if (!parsed.success) return rejected('schema_violation')
  const { event_uid, user_id, external_user_id, data } = parsed.data
  const cardField = data[cardRefField]
  const cardRef = typeof cardField === 'string' ? idOf(cardField) : null
  const eventUid = idOf(event_uid)
  const status = wordOf(data.status)
  const type = wordOf(data.type) ?? (status === 'closed' ? 'closed' : null)
  if (cardRef === null || cardRef === UNUSABLE || eventUid === UNUSABLE || type === null) {
    return rejected('schema_violation')
  }
  return {
    kind: 'lifecycle',
    eventUid,
    cardRef,
    type: type === 'non_participating' ? 'no_participating' : type,
    status,
    updatedAt: instantMs(data.updated_at),
    userField: [user_id, external_user_id, data.user_id, data.external_user_id].find(holdsSomething) ?? null,
  }
}

/** An event that stops pushes: it is never lost to a bad stamp. */
export function isStop(input: LifecycleInput): boolean {
  return input.type === 'opt_out' || input.type === 'closed' || input.status === 'closed'
}

/**
 * The time that orders the event among those of its card. Missing: the record's timestamp. Unusable or too far ahead: a
 * dead letter, since it would freeze the card; but a stop takes the record's timestamp.
 */
export function lifecycleTime(
  input: LifecycleInput,
  recordTimestampMs: number,
  nowMs: number,
  futureSkewMs: number,
): number | Rejection {
  const latest = nowMs + futureSkewMs
  const recordMs = recordTimestampMs > 0 ? recordTimestampMs : nowMs
  const fallback = recordMs <= latest ? recordMs : nowMs
  if (input.updatedAt === 'unusable') return isStop(input) ? fallback : rejected('bad_timestamp')
  const time = input.updatedAt ?? recordMs
  if (time <= latest) return time
  return isStop(input) ? fallback : rejected('future_timestamp')
}

function wordOf(value: string | null | undefined): string | null {
  const word = value?.trim().toLowerCase()
  return word === undefined || word === '' ? null : word.slice(0, MAX_WORD_LENGTH)
}

function holdsSomething(field: unknown): boolean {
  return field !== undefined && field !== null && !(typeof field === 'string' && field.trim() === '')
}
