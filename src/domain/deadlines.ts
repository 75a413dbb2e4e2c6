import { decodePart, encodePart } from './ids.ts'

/**
 * The timers of a user, by what they are for. `vault`: the next look at a card that the vault does not have ready;
 * `switch`: a scheduled attempt goes on; `soft`: a result is overdue; `hard`: the attempt ends without one.
 */
export type DueTimer =
  | { readonly kind: 'vault'; readonly cardRef: string }
  | { readonly kind: 'switch' | 'soft' | 'hard'; readonly merchantId: number }

const MERCHANT_TIMER = /^(switch|soft|hard):(\d+)$/

/** Names are unique within a user and hold no slash. */
export function vaultTimer(cardRef: string): string {
  return `vault:${encodePart(cardRef)}`
}

export function switchTimer(merchantId: number): string {
  return `switch:${merchantId}`
}

export function softTimer(merchantId: number): string {
  return `soft:${merchantId}`
}

export function hardTimer(merchantId: number): string {
  return `hard:${merchantId}`
}

/** Reads a name; undefined for one of another release. */
export function timerOf(name: string): DueTimer | undefined {
  if (name.startsWith('vault:')) return { kind: 'vault', cardRef: decodePart(name.slice('vault:'.length)) }
  const match = MERCHANT_TIMER.exec(name)
  if (match === null) return undefined
  return { kind: match[1] as 'switch' | 'soft' | 'hard', merchantId: Number(match[2]) }
}
