import { FAILURE_REASONS } from '../domain/reasons.ts'
import type { ReasonClass } from '../domain/reasons.ts'
import type { CardOutcome } from '../domain/records.ts'

/** What each `STATUS/reason` means, in words for a person who sees it for the first time. */
const WORDS: Readonly<Record<string, string>> = {
  'ACCEPTED/accepted': 'Knot took the card, the result comes later',
  'ACCEPTED/in_progress': 'the merchant is at it',
  'ACCEPTED/ambiguous': 'sent, no answer: never sent again, the result decides',
  'ACCEPTED/accepted_before_opt_out': 'Knot had it before the opt-out: it cannot be called back',
  'ACCEPTED/accepted_before_closed': 'Knot had it before the card was closed',
  'UPDATED/updated': 'the merchant has the new card',
  'UPDATED/corrected': 'the merchant has the new card after all',
  'UPDATED/reconciled': 'looked up at Knot: the merchant has the new card',
  'SKIPPED/duplicate': 'known already: nothing happens twice',
  'SKIPPED/stale': 'older than what is known of the card: changes nothing',
  'SKIPPED/unknown_type': 'a type that onfile does not know: nothing is done',
  'SKIPPED/enrolled': 'noted, nothing to do',
  'SKIPPED/unknown': 'noted, nothing to do',
  'SKIPPED/no_participating': 'noted, nothing to do',
  'SKIPPED/not_linked': 'the user has linked no merchant',
  'SKIPPED/not_connected': 'the user is logged out there',
  'SKIPPED/no_scope': 'the link does not allow card updates',
  'SKIPPED/other_card_on_file': 'another live card is on file there: left alone',
  'SKIPPED/holder_unknown': 'which of the cards is on file there is not known: left alone',
  'SKIPPED/under_way': 'this version is on its way there already',
  'SKIPPED/already_current': 'the merchant has this very card already',
  'SKIPPED/inactive_card': 'the vault says that the card is not active',
  'SKIPPED/vault_stale': 'the vault still has the old card',
  'SKIPPED/card_unknown': 'the vault does not know the card',
  'SKIPPED/unsupported_region': 'Knot serves no cardholders there',
  'SKIPPED/relinked': 'linked again',
  'SKIPPED/contradicts_success': 'says the contrary of a success that is known: changes nothing',
  'SUPPRESSED/closed': 'the card is closed: nothing is pushed',
  'SUPPRESSED/opt_out': 'the cardholder has opted out: nothing is pushed',
  'HELD/contact_cardholder': 'held until the cardholder has been asked',
  'CANCELLED/superseded': 'a newer version of the card replaced it',
  'CANCELLED/corrected': 'needless: the attempt before had succeeded after all',
  'CANCELLED/opt_out': 'stopped in time by the opt-out',
  'CANCELLED/closed': 'stopped in time, because the card is closed',
  'CANCELLED/contact_cardholder': 'stopped in time: the cardholder must be asked first',
  'SUPPRESSED/contact_cardholder': 'held until the cardholder has been asked: nothing is pushed',
  'SUPPRESSED/operator': "an operator's order: nothing is pushed",
  'SUPPRESSED/forgotten': 'the user is erased: nothing is kept and nothing is pushed',
  'SKIPPED/operator': 'an operator lifted a suppression: the next event of the card counts again',
  'SKIPPED/forgotten': 'the user is erased: noted by position only, nothing is done',
  'CANCELLED/operator': 'stopped in time by an operator',
  'CANCELLED/forgotten': 'stopped, because the user is erased',
  'NO_RESULT/forgotten': 'the user is erased: what becomes of a card that Knot has is not followed',
  'REJECTED/operator': "an operator's order that had no effect",
  'REJECTED/uid_conflict': 'its id belongs to another event',
  'REJECTED/invalid_card_data': 'the card in the vault is not valid: nothing was sent',
  'REJECTED/invalid_field': 'Knot refused a field of the card or the person',
  'REJECTED/invalid_jwe': 'Knot could not decrypt the card',
  'REJECTED/unknown_error': 'Knot refused, with an error that is not documented',
  'REJECTED/limit': 'a bound is reached: three attempts of this version, or the cards, merchants or orders of one user',
  'REJECTED/duplicate': 'the same order was refused before',
  'REJECTED/forgotten': 'the user is erased: an order about them has no effect',
  'NEEDS_USER_ACTION/relink': 'the user must log in at the merchant again',
  'RETRY_SCHEDULED/operator': "an operator's order: tried again now",
  'RETRY_SCHEDULED/min_gap': 'too soon after the last push: waits its turn',
  'RETRY_SCHEDULED/ongoing_operation': 'the account is busy: tried again later',
  'RETRY_SCHEDULED/inactive_card': 'not active yet: the vault is asked again later',
  'RETRY_SCHEDULED/vault_stale': 'the vault still has the old card: asked again later',
  'FAILED/unknown_reason': "not in Knot's list: somebody should look",
  'NO_RESULT/no_result': 'Knot never said how it ended',
  'NO_RESULT/superseded': 'Knot has not said how it ended, and a newer version of the card goes',
  'EXTERNAL/updated': 'somebody else put a card on file there',
}

const CLASS_WORDS: Readonly<Record<ReasonClass, string>> = {
  auto_retry: 'a passing fault',
  delayed_retry: 'worth another try later',
  fix_data: 'the card data must change first',
  user_action: 'only the user can mend it',
  terminal: 'repeating cannot help',
  investigate: 'somebody should look',
}

/** What an outcome means. A failure with one of Knot's reasons is told by its class. */
export function outcomeWords({ status, reason, raw_reason }: CardOutcome): string {
  const words = WORDS[`${status}/${reason}`] ?? failureWords(reason)
  return raw_reason === null ? words : `"${raw_reason}": ${words}`
}

function failureWords(reason: string): string {
  const knotReason = reason.replaceAll('_', ' ')
  const rule = FAILURE_REASONS.get(knotReason)
  return rule === undefined ? knotReason : `"${knotReason}", ${CLASS_WORDS[rule.class]}`
}

const LIFECYCLE_WORDS: Readonly<Record<string, string>> = {
  updated: 'the card has a new number',
  expired: 'the card has a new expiry date',
  closed: 'the account is closed',
  opt_out: 'the cardholder opts out',
  contact_cardholder_advice: 'the cardholder must be asked first',
  enrolled: 'the card takes part in account updates',
  unknown: 'the network does not know the card',
  no_participating: 'the bank does not take part',
}

/** What an account-updater event of this type says. */
export function lifecycleWords(type: string): string {
  return LIFECYCLE_WORDS[type] ?? 'a type that onfile does not know'
}

const WEBHOOK_WORDS: Readonly<Record<string, string>> = {
  CARD_UPDATING: 'the merchant is at it',
  CARD_UPDATED: 'the merchant has the card',
  CARD_FAILED: 'the merchant did not take the card',
  AUTHENTICATED: 'the user has logged in there',
  ACCOUNT_LOGIN_REQUIRED: 'the user is logged out there',
}

/** What a webhook of Knot says. */
export function webhookWords(event: string): string {
  return WEBHOOK_WORDS[event] ?? 'concerns no card switch'
}
