import type { OperatorAction, OperatorCommand } from './records.ts'

/**
 * Orders that let a card go out, or take away what holds it back: never without somebody's word for it. SUPPRESS and
 * CANCEL only stop: what was meant as a stop and is not obeyed ends in a push that nobody can call back, so they are
 * obeyed whatever they lack. The command line asks for both always; this is about orders from other systems.
 */
const NEED_PROOF: ReadonlySet<OperatorAction> = new Set(['LIFT', 'RETRY', 'FORGET'])

/** `actor` of a suppression whose order named nobody. */
export const UNKNOWN_ACTOR = 'unknown'

/** Who ordered it and why is said, in words. */
function isProven({ actor, reason }: OperatorCommand): boolean {
  return actor.trim() !== '' && reason.trim() !== ''
}

/** The order has no effect, because nobody could say afterwards who wanted it and why. */
export function lacksProof(command: OperatorCommand): boolean {
  return NEED_PROOF.has(command.action) && !isProven(command)
}

/**
 * A refusal of this order may be for lack of proof alone. It is not remembered: sent again with who and why, under the same
 * `request_id`, it is an order and no repetition.
 */
export function isRefusedUnproven(command: OperatorCommand): boolean {
  return command.action !== 'CANCEL' && !isProven(command)
}

/** A stop without proof that would take the place of one that holds longer: a lift by another name. */
export function shortens(command: OperatorCommand, known: { readonly until: number | null } | undefined): boolean {
  if (known === undefined || isProven(command) || command.until === null) return false
  return known.until === null || command.until < known.until
}

/** Who is named as the author of a stop. */
export function actorOf({ actor }: OperatorCommand): string {
  return actor.trim() === '' ? UNKNOWN_ACTOR : actor
}
