import { z } from 'zod'
import { durationValue, keyDescriptions } from './leaves.ts'
import { reasonFaults } from './reasonRules.ts'

/** Where INGEST begins on an input partition for which its group has no offset. */
export type StartAt = 'earliest' | 'latest' | { readonly timestampMs: number }

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/
const START_AT_RULE = 'must be earliest, latest or an ISO time such as 2026-01-31T00:00:00Z'

function parseStartAt(text: string): StartAt | null {
  if (text === 'earliest' || text === 'latest') return text
  const timestampMs = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(timestampMs) ? null : { timestampMs }
}

/** `ingest.startAt`: null where it is not set. A time without an offset would depend on the machine: it is refused. */
export function startAt(description: string) {
  const value = z.string({ error: START_AT_RULE }).transform((text, context): StartAt => {
    const parsed = parseStartAt(text)
    if (parsed !== null) return parsed
    context.addIssue({ code: 'custom', message: START_AT_RULE })
    return z.NEVER
  })
  return value
    .nullable()
    .default(null)
    .register(keyDescriptions, {
      description,
      form: '`earliest`, `latest` or an ISO time',
      show: shown => (isTimestamp(shown) ? new Date(shown.timestampMs).toISOString() : shown),
    })
}

function isTimestamp(value: unknown): value is { timestampMs: number } {
  return typeof value === 'object' && value !== null
}

/** Text that is a regular expression; null where it is not set. */
export function pattern(description: string) {
  const value = z.string({ error: 'must be a regular expression' }).refine(text => {
    try {
      new RegExp(text, 'u')
      return true
    } catch {
      return false
    }
  }, 'must be a regular expression')
  return value.nullable().default(null).register(keyDescriptions, { description, form: 'regular expression' })
}

const rateRule = 'must be a number above 0, or unlimited'

const rateValue = z.preprocess(
  raw => {
    if (raw === 'unlimited') return null
    return typeof raw === 'string' && /^\d{1,9}(\.\d+)?$/.test(raw) ? Number(raw) : raw
  },
  z.number({ error: rateRule }).positive(rateRule).nullable(),
)

/** Requests per second; null is `unlimited`. */
export function rate(description: string, fallback: number | null = null) {
  return rateValue.default(fallback).register(keyDescriptions, {
    description,
    form: 'number or `unlimited`',
    defaultText: `\`${fallback ?? 'unlimited'}\``,
    show: shown => shown ?? 'unlimited',
  })
}

const merchantOverride = z.strictObject({
  concurrency: z.int('must be a whole number').min(1, 'must be at least 1').optional(),
  ratePerSecond: rateValue.optional(),
})

/** Merchants with limits of their own, by merchant id; what is left out is as for all. */
export type MerchantOverrides = z.output<ReturnType<typeof merchantOverrides>>

/** `provision.merchants`. In the environment it is JSON text. */
export function merchantOverrides(description: string) {
  const merchantId = z.string().regex(/^\d{1,10}$/, 'must be a merchant id of Knot, a whole number')
  const rule = 'must be a table by merchant id (in the environment: JSON text)'
  const value = z.preprocess(jsonText, z.record(merchantId, merchantOverride, { error: rule }))
  return value
    .prefault({})
    .register(keyDescriptions, { description, form: 'table: concurrency, ratePerSecond by merchant id' })
}

function jsonText(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw
  try {
    return JSON.parse(raw) as unknown
  } catch {
    return raw
  }
}

/** The classes of Knot's failure reasons (contract, section 8). */
export const REASON_CLASSES = [
  'auto_retry',
  'delayed_retry',
  'fix_data',
  'user_action',
  'terminal',
  'investigate',
] as const

const override = z.strictObject({
  class: z.enum(REASON_CLASSES, { error: `must be ${REASON_CLASSES.join(' or ')}` }).optional(),
  retries: z.int('must be a whole number').min(0, 'must be 0, 1 or 2').max(2, 'must be 0, 1 or 2').optional(),
  waits: z.array(durationValue, { error: 'must be a list of durations' }).min(1, 'must not be empty').optional(),
})

/** Changes to rows of the reason table, by Knot's reason as Knot writes it; what is left out stays as it is. */
export type ReasonOverrides = z.output<ReturnType<typeof reasonOverrides>>

/** `policy.reasons`. In the environment it is JSON text. */
export function reasonOverrides(description: string) {
  const value = z.preprocess(
    jsonText,
    z
      .record(z.string(), override, { error: 'must be a table of reasons (in the environment: JSON text)' })
      .superRefine((reasons, context) => {
        for (const { name, message } of reasonFaults(reasons)) {
          context.addIssue({ code: 'custom', path: [name], message })
        }
      }),
  )
  return value.prefault({}).register(keyDescriptions, { description, form: 'table: class, retries, waits by reason' })
}
