import { decodePart, encodePart } from './ids.ts'
import type { SourcePosition } from './records.ts'
import type { Scope } from './suppressionRules.ts'

/** End of an operator's suppression, and the position of the order that set it (without its `event_id`). */
export interface OrderEnd {
  readonly scope: Scope
  readonly source: SourcePosition
}

/**
 * The timers of a user, by what they are for. `vault`: the next look at a card that the vault does not have ready, or the
 * end of a look that is out;
 * `switch`: a scheduled attempt goes on; `soft`: a result is overdue; `hard`: the attempt ends without one;
 * `until`: an operator's suppression ends.
 */
export type DueTimer =
  | { readonly kind: 'vault'; readonly cardRef: string }
  | { readonly kind: 'switch' | 'soft' | 'hard'; readonly merchantId: number }
  | ({ readonly kind: 'until' } & OrderEnd)

const ORDER_TIMER = /^until:(\*|-?\d+):([^:]*):(-?\d+):(-?\d+):(.*)$/s
const MERCHANT_TIMER = /^(switch|soft|hard):(-?\d+)$/

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

/** Carries the order's position, because the record of its end names it. */
export function orderEndTimer({ scope: { card_ref, merchant_id }, source }: OrderEnd): string {
  const card = card_ref === null ? '*' : encodePart(card_ref)
  const position = `${encodeURIComponent(source.topic)}:${source.partition}:${source.offset}`
  return `until:${merchant_id ?? '*'}:${position}:${card}`
}

/** Reads a name; undefined for one of another release. */
export function timerOf(name: string): DueTimer | undefined {
  if (name.startsWith('vault:')) return { kind: 'vault', cardRef: decodePart(name.slice('vault:'.length)) }
  if (name.startsWith('until:')) return orderEndOf(name)
  const match = MERCHANT_TIMER.exec(name)
  if (match === null) return undefined
  return { kind: match[1] as 'switch' | 'soft' | 'hard', merchantId: Number(match[2]) }
}

function orderEndOf(name: string): DueTimer | undefined {
  const match = ORDER_TIMER.exec(name)
  if (match === null) return undefined
  const [, merchant, topic, partition, offset, card] = match as unknown as readonly string[]
  return {
    kind: 'until',
    scope: {
      card_ref: card === '*' ? null : decodePart(card!),
      merchant_id: merchant === '*' ? null : Number(merchant),
    },
    source: {
      topic: decodeURIComponent(topic!),
      partition: Number(partition),
      offset: Number(offset),
      event_id: null,
    },
  }
}
