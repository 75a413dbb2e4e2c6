import { z } from 'zod'
import type { RecordView } from '../kafka/recordBatch.ts'

/**
 * What is said to every process at once, on the compacted topic `onfile-control`: the state of the global stop, and what
 * Knot says of merchants. Values are JSON, so that an operator without onfile at hand can read them, and in need write them.
 */

/** The key of the switch: its newest record says whether pushes go. */
export const PUSHES_KEY = 'pushes'
const MERCHANT_KEY = /^merchant\/(\d{1,10})$/

export interface SwitchOrder {
  readonly pushes: 'paused' | 'running'
  readonly actor: string
  readonly reason: string
  /** Wall clock of whoever ordered it. */
  readonly atMs: number
}

export interface MerchantHint {
  readonly merchantId: number
  readonly up: boolean
  /** Knot's time, or the record's. */
  readonly atMs: number
}

export type ControlRecord =
  | { readonly kind: 'switch'; readonly order: SwitchOrder }
  /** The switch was written by somebody else, or by a newer release: it must not be guessed. */
  | { readonly kind: 'switch_unreadable'; readonly offset: number }
  | { readonly kind: 'hint'; readonly hint: MerchantHint }
  /** Keys of newer releases, and hints that cannot be read. */
  | { readonly kind: 'other' }

const switchSchema = z.object({
  pushes: z.enum(['paused', 'running']),
  actor: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
})
const hintSchema = z.object({ status: z.enum(['UP', 'DOWN']), at: z.iso.datetime() })

export function switchValue({ pushes, actor, reason, atMs }: SwitchOrder): Buffer {
  return Buffer.from(JSON.stringify({ pushes, actor, reason, at: new Date(atMs).toISOString() }), 'utf8')
}

export function merchantKey(merchantId: number): string {
  return `merchant/${merchantId}`
}

export function hintValue({ up, atMs }: MerchantHint): Buffer {
  return Buffer.from(JSON.stringify({ status: up ? 'UP' : 'DOWN', at: new Date(atMs).toISOString() }), 'utf8')
}

/** Never throws. A deleted switch (a tombstone) cannot be read either: nobody but `onfile resume` says that pushes go. */
export function readControl(record: RecordView): ControlRecord {
  const key = record.keyString() ?? ''
  const value = parsed(record)
  if (key === PUSHES_KEY) {
    const order = switchSchema.safeParse(value)
    if (!order.success) return { kind: 'switch_unreadable', offset: record.offset }
    const { at, ...rest } = order.data
    return { kind: 'switch', order: { ...rest, atMs: Date.parse(at) } }
  }
  const merchantId = MERCHANT_KEY.exec(key)?.[1]
  const hint = hintSchema.safeParse(value)
  if (merchantId === undefined || !hint.success) return { kind: 'other' }
  const { status, at } = hint.data
  return { kind: 'hint', hint: { merchantId: Number(merchantId), up: status === 'UP', atMs: Date.parse(at) } }
}

function parsed(record: RecordView): unknown {
  try {
    return JSON.parse(record.value()?.toString('utf8') ?? 'null') as unknown
  } catch {
    return null
  }
}
