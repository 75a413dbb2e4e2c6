import { randomUUID } from 'node:crypto'
import { compactDecrypt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import type { CryptoKey, JWK } from 'jose'
import { unreadableJwe } from './knotErrors.ts'

const algorithm = 'RSA-OAEP-256'
const encryption = 'A256GCM'

/** What `GET /jwe/key` answers: one JWK, not a set. */
export type PublicJwk = Readonly<JWK> & { readonly kid: string }

/**
 * The simulator's own RSA-2048 key. One key at a time: after `rotate` whatever was encrypted for the old one is refused,
 * with no overlap.
 */
export class JweKeys {
  #current: { readonly publicJwk: PublicJwk; readonly privateKey: CryptoKey }

  private constructor(current: { publicJwk: PublicJwk; privateKey: CryptoKey }) {
    this.#current = current
  }

  static async create(): Promise<JweKeys> {
    return new JweKeys(await JweKeys.#generate())
  }

  static async #generate(): Promise<{ publicJwk: PublicJwk; privateKey: CryptoKey }> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { modulusLength: 2048, extractable: true })
    const { e = '', n = '' } = await exportJWK(publicKey)
    const publicJwk = { alg: algorithm, e, key_ops: ['encrypt'], kid: randomUUID(), kty: 'RSA', n, use: 'enc' }
    return { publicJwk, privateKey }
  }

  get publicJwk(): PublicJwk {
    return this.#current.publicJwk
  }

  async rotate(): Promise<PublicJwk> {
    this.#current = await JweKeys.#generate()
    return this.#current.publicJwk
  }

  /**
   * The JSON inside `jwe`. Its protected header must name this key's `kid` and `alg`, and `enc` A256GCM.
   *
   * @throws KnotRefusal "The jwe is invalid." for anything else. The reason is not told, as Knot does not.
   */
  async open(jwe: string): Promise<unknown> {
    const { publicJwk, privateKey } = this.#current
    try {
      const header = decodeProtectedHeader(jwe)
      if (header.kid !== publicJwk.kid || header.alg !== algorithm || header.enc !== encryption) throw unreadableJwe()
      const { plaintext } = await compactDecrypt(jwe, privateKey, {
        keyManagementAlgorithms: [algorithm],
        contentEncryptionAlgorithms: [encryption],
      })
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext)) as unknown
    } catch {
      throw unreadableJwe()
    }
  }
}
