import { CompactEncrypt, importJWK } from 'jose'
import type { CryptoKey } from 'jose'
import { z } from 'zod'
import type { CardData } from '../vault/cardData.ts'

/** Knot's public key, checked and ready to encrypt with. */
export interface EncryptionKey {
  readonly kid: string
  readonly key: CryptoKey
}

/** Why a key was refused. `JWK_UNUSABLE`: Knot must publish another one, or the URL is not Knot's. */
export class UnusableJwkError extends Error {
  override readonly name = 'UnusableJwkError'
  readonly code = 'JWK_UNUSABLE'

  constructor(what: string) {
    super(`Knot's answer to GET /jwe/key cannot be used to encrypt cards: ${what}. Check knot.url, or ask Knot.`)
  }
}

const MIN_MODULUS_BITS = 2048

const jwkSchema = z.object({
  kty: z.literal('RSA'),
  alg: z.literal('RSA-OAEP-256'),
  use: z.literal('enc'),
  kid: z.string().min(1).max(256),
  n: z.string().min(1).max(2048),
  e: z.string().min(1).max(16),
})

/**
 * Accepts nothing but an RSA-OAEP-256 encryption key of at least 2048 bits with a `kid`; there is no fall-back to a weaker
 * algorithm (`domain.md` 6.5).
 * @throws UnusableJwkError
 */
export async function importEncryptionKey(body: unknown): Promise<EncryptionKey> {
  const jwk = jwkSchema.safeParse(body)
  if (!jwk.success) throw new UnusableJwkError(`wrong or missing ${fieldsOf(jwk.error)}`)
  const { kid, n, e } = jwk.data
  const modulusBits = bitLength(Buffer.from(n, 'base64url'))
  if (modulusBits < MIN_MODULUS_BITS) throw new UnusableJwkError(`a modulus of ${modulusBits} bits`)
  try {
    const key = await importJWK(
      { kty: 'RSA', n, e, alg: 'RSA-OAEP-256', use: 'enc', key_ops: ['encrypt'] },
      'RSA-OAEP-256',
    )
    if (!(key instanceof Uint8Array)) return { kid, key }
  } catch {
    // Told below: what the library says may quote the key.
  }
  throw new UnusableJwkError('not a valid RSA public key')
}

/**
 * The compact JWE of one push: RSA-OAEP-256, A256GCM, `kid` and `alg` in the protected header (seed 002, `domain.md` 2.4).
 * A fresh content key and IV for each call; never reuse the result, nor keep it: the key behind it may rotate at any time.
 */
export async function encryptCard(card: CardData, { kid, key }: EncryptionKey): Promise<string> {
  const plaintext = cardBytes(card)
  try {
    return await new CompactEncrypt(plaintext)
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid })
      .encrypt(key)
  } finally {
    plaintext.fill(0)
  }
}

/** `{user, card}` as Knot documents it: the JWE's plaintext. */
export function cardBytes(card: CardData): Buffer {
  return Buffer.from(JSON.stringify(cardFields(card)), 'utf8')
}

/** The same as an object, for the plain form. Holds the values: it must not outlive the building of a request body. */
export function cardFields(card: CardData): { user: object; card: object } {
  const { user, card: numbers } = card.reveal()
  const { street2, ...address } = user.address
  return {
    user: {
      name: user.name,
      address: street2 === null ? address : { ...address, street2 },
      phone_number: user.phone_number,
    },
    card: { number: numbers.number, expiration: numbers.expiration, cvv: numbers.cvv },
  }
}

function bitLength(bytes: Buffer): number {
  const first = bytes.findIndex(byte => byte !== 0)
  return first < 0 ? 0 : (bytes.length - first) * 8 - (Math.clz32(bytes[first]!) - 24)
}

function fieldsOf(error: z.ZodError): string {
  const fields = new Set(error.issues.map(issue => (issue.path.length === 0 ? 'object' : issue.path.join('.'))))
  return [...fields].join(', ')
}
