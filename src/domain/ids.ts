import type { SourcePosition } from './records.ts'

/** `outcome_id` and `command_id`: the same again when the same history is replayed. */
export function publicId(userId: string, decisionSeq: number): string {
  return `${userId}:${decisionSeq}`
}

/** What makes an account-updater event that event: its uid, else its position on the issuer's bus. */
export function eventIdentity(eventUid: string | null, source: SourcePosition): string {
  return eventUid ?? `@${source.topic}/${source.partition}/${source.offset}`
}

/** What makes an order that order. No event is called so: a uid with a line break in it is the issuer's own doing. */
export function orderIdentity(requestId: string): string {
  return `order\n${requestId}`
}

/** Key of the state of one (user, merchant). The id of the user comes last because it may hold anything. */
export function merchantKey(userId: string, merchantId: number): string {
  return `${merchantId}/${userId}`
}

const RESERVED = /[%*/]/g
const HOLDS_RESERVED = /[%*/]/

/** One part of a suppression key or a timer name: `/`, `*` and `%` percent-encoded in upper-case hex, all else as it is. */
export function encodePart(text: string): string {
  return HOLDS_RESERVED.test(text) ? text.replace(RESERVED, encodeReserved) : text
}

function encodeReserved(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

/** Turns `encodePart` around. */
export function decodePart(part: string): string {
  return part.includes('%') ? part.replaceAll('%2F', '/').replaceAll('%2A', '*').replaceAll('%25', '%') : part
}

/** Key of `card-suppressions`: `<user>/<card|*>/<merchant|*>`. */
export function suppressionKey(userId: string, cardRef: string | null, merchantId: number | null): string {
  return `${encodePart(userId)}/${cardRef === null ? '*' : encodePart(cardRef)}/${merchantId ?? '*'}`
}
