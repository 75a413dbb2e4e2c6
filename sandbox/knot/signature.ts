import { createHmac, timingSafeEqual } from 'node:crypto'

/** What `Knot-Signature` covers (domain.md 2.9): not the body, only its length, and two of its fields. */
export interface SignedParts {
  /** Length of the raw body in bytes. */
  readonly contentLength: number
  readonly event: string
  /** Left out of the signed text where the body has none. */
  readonly sessionId?: string | undefined
}

/** Value of the `Knot-Signature` header: base64 of HMAC-SHA256 with the API secret. */
export const knotSignature = (secret: string, { contentLength, event, sessionId }: SignedParts): string => {
  const pairs = [
    'Content-Length',
    contentLength,
    'Content-Type',
    'application/json',
    'Encryption-Type',
    'HMAC-SHA256',
    'event',
    event,
  ]
  if (sessionId !== undefined) pairs.push('session_id', sessionId)
  return createHmac('sha256', secret).update(pairs.join('|')).digest('base64')
}

/** Compares in constant time. */
export const signatureMatches = (secret: string, parts: SignedParts, signature: string): boolean => {
  const expected = Buffer.from(knotSignature(secret, parts))
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
