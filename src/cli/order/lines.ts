import type { CardOutcome, SourcePosition } from '../../domain/records.ts'
import { outcomeWords } from '../words.ts'
import type { UserOrder } from './flags.ts'

/** `card-lifecycle-1@17`: as Kafka's own tools write it. */
export function positionText({ topic, partition, offset }: SourcePosition): string {
  return `${topic}-${partition}@${offset}`
}

/** `SUPPRESS u-1, card card-1, merchant 16, until 2026-12-01T00:00:00.000Z`. */
export function scopeText({ userId, command }: UserOrder): string {
  const { action, card_ref, merchant_id, until } = command
  const parts = [
    `${action} ${userId}`,
    ...(action === 'FORGET' ? [] : [card_ref === null ? 'all cards' : `card ${card_ref}`]),
    ...(action === 'FORGET' ? [] : [merchant_id === null ? 'all merchants' : `merchant ${merchant_id}`]),
    ...(until === null ? [] : [`until ${new Date(until).toISOString()}`]),
  ]
  return parts.join(', ')
}

/** Where the order stands: the proof of it, and what to look for. */
export function orderLine({ command }: UserOrder, position: SourcePosition): string {
  return `  order ${positionText(position)}, request ${command.request_id}, by ${command.actor}: ${command.reason}`
}

/** Why an order had no effect, as far as its outcome says so. */
export function refusalLine({ command }: UserOrder, own: CardOutcome | undefined): string {
  if (own === undefined) return 'DECIDE wrote no outcome for it: look at its version and its dead letters'
  if (own.reason === 'limit') return 'the user has as many suppressions as are kept: lift some first'
  if (own.reason === 'forgotten') return 'the user is erased: only onfile lift for the whole user ends that'
  if (own.reason === 'duplicate') return 'an order with this --request-id was refused before: give it with another one'
  switch (command.action) {
    case 'SUPPRESS':
      return 'it had no effect: its end had passed when DECIDE read it'
    case 'LIFT':
      return 'it had no effect: nothing is suppressed for exactly this scope (onfile user shows what is)'
    case 'CANCEL':
      return 'it had no effect: nothing of this scope waits or is under way'
    case 'RETRY':
      return 'it had no effect: there is nothing to try again for this scope, or something forbids it (onfile user shows what)'
    case 'FORGET':
    case 'KILL_SWITCH':
      return 'it had no effect: this release of DECIDE does not know the order'
  }
}

/** What the order stopped or started, one line each. */
export function consequenceLines(outcomes: readonly CardOutcome[], own: CardOutcome | undefined): string[] {
  return outcomes
    .filter(outcome => outcome !== own)
    .map(outcome => {
      const { status, reason, merchant_id, merchant_name, card_ref, attempt } = outcome
      const where = merchant_name ?? (merchant_id === null ? 'search for merchants' : `merchant ${merchant_id}`)
      const which = attempt === 0 ? '' : `, attempt ${attempt}`
      return `  ${where} (${card_ref ?? 'no card'}${which}): ${status}/${reason}: ${outcomeWords(outcome)}`
    })
}
