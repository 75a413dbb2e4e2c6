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

/** FNV-1a of the text, finished with an avalanche, as a number in [0, 1). */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
