import type { Lifecycle } from './records.ts'
import type { SeenRecord } from './userState.ts'

/** How many events, and how many webhooks, are remembered per user, and for how long. */
export const MEMORY_LIMIT = 256
export const MEMORY_MS = 30 * 86_400_000

/** The remembered record of that key. */
export function recall(memory: readonly SeenRecord[], key: string): SeenRecord | undefined {
  for (let i = memory.length - 1; i >= 0; i--) {
    const seen = memory[i]
    if (seen?.key === key) return seen
  }
  return undefined
}

/** The memory with one more; what is too old or too much gives way. */
export function remember(memory: readonly SeenRecord[], key: string, print: number, now: number): SeenRecord[] {
  let start = memory.length >= MEMORY_LIMIT ? memory.length - MEMORY_LIMIT + 1 : 0
  while (start < memory.length && memory[start]!.at <= now - MEMORY_MS) start++
  const kept = start === 0 ? memory : memory.slice(start)
  return kept.concat({ key, print, at: now })
}

/**
 * Tells two contents under one `event_uid` apart: type, card, status and the event's own time. cyrb53 without its top bit, because avsc
 * writes no `long` of 2^53 - 1.
 */
export function fingerprint({ type, status, updated_at, own_stamp, card_ref }: Lifecycle): number {
  const content = `${type}\n${status ?? ''}\n${own_stamp ? updated_at : ''}\n${card_ref}`
  let h1 = 0xdeadbeef
  let h2 = 0x41c6ce57
  for (let i = 0; i < content.length; i++) {
    const code = content.charCodeAt(i)
    h1 = Math.imul(h1 ^ code, 2654435761)
    h2 = Math.imul(h2 ^ code, 1597334677)
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909)
  return 4294967296 * (1048575 & h2) + (h1 >>> 0)
}
