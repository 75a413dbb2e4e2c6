import { vaultTimer } from './deadlines.ts'
import type { DecisionDraft, OutcomeSubject } from './decisionDraft.ts'
import { fanOut } from './fanOut.ts'
import { scaledWaitMs } from './policy.ts'
import type { CommandResult, SourcePosition } from './records.ts'
import { isSuppressed, liftCard } from './suppressionRules.ts'
import type { CardState, Discovery } from './userState.ts'

/**
 * A version of a card: asks the vault for the card and Knot for the user's merchants.
 *
 * @param vaultVersionBefore what the vault answered before the event; an answer like it is behind the event. Null where no
 * event says that there must be another one.
 */
export function startDiscovery(
  draft: DecisionDraft,
  card: CardState,
  reason: string,
  source: SourcePosition,
  vaultVersionBefore: string | null = card.vault_version,
): void {
  look(draft, card, {
    command_id: null,
    card_version: card.version,
    reason,
    vault_version_before: vaultVersionBefore,
    looks: 0,
    next_at: null,
    source,
    origin: source,
  })
}

/** Ends a discovery before its merchants are known: one outcome for the whole event. */
export function endDiscovery(
  draft: DecisionDraft,
  card: CardState,
  discovery: Discovery,
  status: 'CANCELLED' | 'SKIPPED' | 'REJECTED' | 'NO_RESULT',
  reason: string,
  source: SourcePosition,
): void {
  draft.emit(status, reason, discoverySubject(card, discovery), source, discovery.origin)
  draft.timer(vaultTimer(card.card_ref), null)
  draft.putCard({ ...card, discovery: null })
}

/**
 * The timer of a card that is looked up: the vault did not have it ready and is asked again, or the DISCOVER that is out was
 * not answered by its hard deadline. PROVISION answers all that it reads; a command or an answer that was lost must not
 * leave the event unexplained for ever.
 */
export function onVaultTimer(draft: DecisionDraft, cardRef: string): void {
  const card = draft.card(cardRef)
  if (card === undefined || card.discovery === null) return
  if (card.discovery.command_id === null) look(draft, card, card.discovery)
  else endDiscovery(draft, card, card.discovery, 'NO_RESULT', 'no_result', card.discovery.source)
}

/** The next look need not be waited for, and no event says that the vault must answer otherwise than before. */
export function lookNow(draft: DecisionDraft, cardRef: string): void {
  const card = draft.card(cardRef)
  if (card?.discovery?.command_id !== null) return
  look(draft, card, { ...card.discovery, vault_version_before: null })
}

/**
 * The answer to the DISCOVER of a card. In this order: the vault (unknown, closed, not active, behind the event), the
 * reopening of a closed card, then the merchants. An answer to a DISCOVER that was replaced or stopped says nothing.
 */
export function onCardDiscovered(draft: DecisionDraft, result: CommandResult): void {
  const known = result.card_ref === null ? undefined : draft.card(result.card_ref)
  const discovery = known?.discovery
  if (known === undefined || discovery?.command_id !== result.command_id) return
  const { source } = discovery
  if (result.result === 'NOT_SENT' && result.reason === 'not_after') {
    endDiscovery(draft, known, discovery, 'NO_RESULT', 'no_result', source)
    return
  }
  if (result.result !== 'DISCOVERED') {
    endDiscovery(draft, known, discovery, 'REJECTED', 'unknown_error', source)
    return
  }
  const card: CardState = { ...known, vault_version: result.vault_version ?? known.vault_version }
  const reopens = isSuppressed(draft.user, card.card_ref, 'closed')
  if (result.vault_status === 'unknown') {
    endDiscovery(draft, card, discovery, 'SKIPPED', 'card_unknown', source)
  } else if (result.vault_status === 'closed' || (result.vault_status === 'inactive' && reopens)) {
    endDiscovery(draft, card, discovery, 'SKIPPED', 'inactive_card', source)
  } else if (result.vault_status === 'inactive') {
    waitForVault(draft, card, discovery, 'inactive_card')
  } else if (result.vault_version !== null && result.vault_version === discovery.vault_version_before) {
    waitForVault(draft, card, discovery, 'vault_stale')
  } else {
    if (reopens) liftCard(draft, card.card_ref, 'closed', 'reopened', source)
    if (result.accounts.length === 0) {
      endDiscovery(draft, card, discovery, 'SKIPPED', 'not_linked', source)
      return
    }
    draft.timer(vaultTimer(card.card_ref), null)
    draft.putCard({ ...card, discovery: null })
    fanOut(draft, result.accounts, {
      card_ref: card.card_ref,
      card_version: discovery.card_version,
      reason: discovery.reason,
      vault_version: result.vault_version,
      source,
      origin: discovery.origin,
    })
  }
}

/** The next look, counted from this one, or the end when all are used up. */
function waitForVault(
  draft: DecisionDraft,
  card: CardState,
  discovery: Discovery,
  reason: 'inactive_card' | 'vault_stale',
): void {
  const { source, origin } = discovery
  const waitMs = draft.policy.vaultRecheckMs[discovery.looks]
  if (waitMs === undefined) {
    endDiscovery(draft, card, discovery, 'SKIPPED', reason, source)
    return
  }
  const nextAt = Math.max(draft.now, draft.past(draft.occurredAt) + scaledWaitMs(draft.policy, waitMs))
  const details = { nextAttemptAt: nextAt, rawReason: null, occurredAt: null }
  draft.emit('RETRY_SCHEDULED', reason, discoverySubject(card, discovery), source, origin, details)
  draft.timer(vaultTimer(card.card_ref), nextAt)
  const waiting: Discovery = { ...discovery, command_id: null, looks: discovery.looks + 1, next_at: nextAt }
  draft.putCard({ ...card, discovery: waiting })
}

/** A vault that never answers for this card must not leave the event unexplained: the hard deadline holds here too. */
function look(draft: DecisionDraft, card: CardState, discovery: Discovery): void {
  const hardAtMs = draft.now + draft.policy.resultHardMs
  const commandId = draft.command({
    kind: 'DISCOVER',
    card_ref: card.card_ref,
    card_version: discovery.card_version,
    merchant_id: null,
    merchant_name: null,
    attempt: 1,
    not_after: hardAtMs,
    cancels: null,
    reason: discovery.reason,
    source: discovery.source,
    origin: discovery.origin,
  })
  draft.timer(vaultTimer(card.card_ref), hardAtMs)
  draft.putCard({ ...card, discovery: { ...discovery, command_id: commandId, next_at: null } })
}

function discoverySubject(card: CardState, discovery: Discovery): OutcomeSubject {
  return {
    card_ref: card.card_ref,
    card_version: discovery.card_version,
    merchant_id: null,
    merchant_name: null,
    attempt: 0,
    command_id: discovery.command_id,
  }
}
