import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { encryptCard, importEncryptionKey, UnusableJwkError } from '../../../src/knot/jwe.ts'
import { CANARY_CVV, CANARY_PAN, cardWith, HOLDER } from './cards.ts'

const pair = await generateKeyPair('RSA-OAEP-256', { modulusLength: 2048, extractable: true })
let jwk: Record<string, unknown>
beforeAll(async () => {
  const { n, e } = await exportJWK(pair.publicKey)
  jwk = { kty: 'RSA', alg: 'RSA-OAEP-256', use: 'enc', key_ops: ['encrypt'], kid: 'key-1', n, e }
})

describe('the JWE of a push', () => {
  it('decrypts to the user and the card, with alg, enc and kid in the protected header', async () => {
    const jwe = await encryptCard(cardWith(), await importEncryptionKey(jwk))
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, pair.privateKey)
    expect(protectedHeader).toEqual({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'key-1' })
    expect(JSON.parse(Buffer.from(plaintext).toString())).toEqual({
      user: HOLDER,
      card: { number: CANARY_PAN, expiration: '08/2030', cvv: CANARY_CVV },
    })
  })

  it('leaves out an address line that there is not', async () => {
    const jwe = await encryptCard(cardWith({ address: { street2: null } }), await importEncryptionKey(jwk))
    const { plaintext } = await compactDecrypt(jwe, pair.privateKey)
    expect(Buffer.from(plaintext).toString()).not.toContain('street2')
  })

  it('is never the same twice', async () => {
    const key = await importEncryptionKey(jwk)
    const [a, b] = [await encryptCard(cardWith(), key), await encryptCard(cardWith(), key)]
    expect(a.split('.')[1]).not.toBe(b.split('.')[1])
    expect(a.split('.')[2]).not.toBe(b.split('.')[2])
  })
})

describe('a key that is not used', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
  const odd = generateKeyPairSync('rsa', { modulusLength: 2047 }).publicKey.export({ format: 'jwk' })
  const bad: [name: string, change: Record<string, unknown>, says: RegExp][] = [
    ['no kid', { kid: undefined }, /kid/],
    ['an empty kid', { kid: '' }, /kid/],
    ['another algorithm', { alg: 'RSA1_5' }, /alg/],
    ['no algorithm', { alg: undefined }, /alg/],
    ['a signature key', { use: 'sig' }, /use/],
    ['an EC key', { kty: 'EC' }, /kty/],
    ['1024 bits', { n: short.n }, /1024 bits/],
    ['2047 bits', { n: odd.n }, /2047 bits/],
    ['no modulus', { n: undefined }, /n\b/],
    ['a modulus that is none', { n: '!'.repeat(400) }, /bits/],
  ]
  it.each(bad)('%s', async (_, change, says) => {
    const attempt = importEncryptionKey({ ...jwk, ...change })
    await expect(attempt).rejects.toThrow(UnusableJwkError)
    await expect(attempt).rejects.toThrow(says)
  })

  it.each([null, 'key', [], { keys: [] }])('%j', async body => {
    await expect(importEncryptionKey(body)).rejects.toMatchObject({ code: 'JWK_UNUSABLE' })
  })
})

describe('card data', () => {
  it('shows itself nowhere', () => {
    const card = cardWith()
    const shown = [
      JSON.stringify({ card }),
      String(card),
      inspect(card, { showHidden: true, depth: null }),
      inspect(card, { customInspect: false, showHidden: true, depth: null }),
      inspect({ nested: [card] }, { depth: null }),
      inspect(Object.assign(new Error('x', { cause: card }), { card }), { depth: null }),
      JSON.stringify(Object.entries(card)),
    ].join('\n')
    expect(shown).toContain('[redacted]')
    expect(shown).not.toMatch(/4242|917|Lovelace|Main Street|1234567890|2030/)
  })
})
