const FIRST_MS = 1_000
const MAX_MS = 300_000
const MIN_MS = 1_000

/**
 * Wait before the next request of an attempt whose last one was not accepted: `Retry-After` where Knot gave one (unscaled,
 * at most 5 min), else from 1 s, doubling, to 5 min, times `scale` (`policy.retryScale`), and up to a quarter less by a
 * jitter that depends on the command alone, so that a replay waits alike. Never shorter than 1 s (`contract.md` 9).
 *
 * @param tries how many requests of this attempt were not accepted so far, from 1
 */
export function notAcceptedWaitMs(
  commandId: string,
  tries: number,
  retryAfterMs: number | null,
  scale: number,
): number {
  if (retryAfterMs !== null) return Math.min(MAX_MS, Math.max(MIN_MS, retryAfterMs))
  const fullMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(30, tries - 1))
  const waitMs = fullMs * (1 - 0.25 * fractionOf(`${commandId}#${tries}`)) * scale
  return Math.max(MIN_MS, Math.round(waitMs))
}

/**
 * The cause lies between this process and Kafka: no heartbeat was confirmed (`ownership`), or the commit of *started* came
 * too late (`send_by`). No request was refused, so none counts for the back-off.
 */
export function isOurTrouble(cause: string): boolean {
  return cause === 'ownership' || cause === 'send_by'
}

/**
 * Wait until it is looked whether such trouble is over: always a quarter of the session timeout, so that whatever a
 * coordinator's outage held goes soon after its end, however long that was. Unscaled, never shorter than 1 s.
 */
export function ownTroubleWaitMs(sessionTimeoutMs: number): number {
  return Math.max(MIN_MS, Math.round(sessionTimeoutMs / 4))
}

/** FNV-1a of the text, finished with an avalanche, as a number in [0, 1). */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
