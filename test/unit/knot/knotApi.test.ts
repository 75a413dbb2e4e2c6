import Fastify from 'fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { CardUpdater } from '../../../src/knot/cardUpdater.ts'
import { InsecureUrlError, KnotApi } from '../../../src/knot/knotApi.ts'
import { SealedCard } from '../../../src/knot/sealedCard.ts'
import type { KnotApiOptions } from '../../../src/knot/knotApi.ts'
import { CANARY_CVV, CANARY_PAN, cardWith, HOLDER } from './cards.ts'

const SECRET = 'knot-secret-canary'
const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: FastifyRequest['headers']
  readonly body: unknown
}

async function knot(answer: (request: Seen) => { status: number; body: unknown }) {
  const seen: Seen[] = []
  const app: FastifyInstance = Fastify()
  app.all('/*', (request, reply) => {
    const one = { method: request.method, url: request.url, headers: request.headers, body: request.body }
    seen.push(one)
    const { status, body } = answer(one)
    return reply.code(status).send(body)
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  cleanUps.push(() => app.close())
  return { url, seen }
}

function api(url: string, more: Partial<KnotApiOptions> = {}): KnotApi {
  const client = new KnotApi({
    url,
    secureUrl: null,
    clientId: 'client',
    secret: SECRET,
    timeoutMs: 2_000,
    connections: 4,
    ...more,
  })
  cleanUps.push(() => client.close())
  return client
}

const TARGET = { userId: 'user 1/ä', merchantId: 19, taskId: null }

describe('requests', () => {
  it('carry Basic auth and the API version', async () => {
    const { url, seen } = await knot(() => ({ status: 200, body: [] }))
    await api(url).accounts('u')
    expect(seen[0]?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from(`client:${SECRET}`).toString('base64')}`,
      'knot-version': '2.0',
    })
  })

  it('ask for the accounts of exactly this user', async () => {
    const { url, seen } = await knot(() => ({ status: 200, body: [] }))
    expect(await api(`${url}/base/`).accounts(TARGET.userId)).toMatchObject({ kind: 'accounts', accounts: [] })
    expect(seen[0]?.url).toBe('/base/accounts/get?external_user_id=user%201%2F%C3%A4&type=card_switcher')
  })

  it.each([
    ['CardUpdater ids', TARGET, { external_user_id: 'user 1/ä', merchant_id: 19, jwe: 'a.b.c.d.e' }],
    [
      'the names of card and issuer',
      { ...TARGET, cardName: 'Gold', customerName: null },
      { external_user_id: 'user 1/ä', merchant_id: 19, jwe: 'a.b.c.d.e', card_name: 'Gold' },
    ],
    ['the task id alone', { ...TARGET, taskId: '25605', cardName: 'Gold' }, { task_id: '25605', jwe: 'a.b.c.d.e' }],
  ])('push with %s', async (_, target, expected) => {
    const { url, seen } = await knot(() => ({ status: 200, body: { message: 'Success' } }))
    const answer = await api(url).pushCard(target, SealedCard.encrypted('a.b.c.d.e'), () => true)
    expect(answer).toMatchObject({ kind: 'accepted', httpStatus: 200 })
    expect(seen).toEqual([expect.objectContaining({ method: 'POST', url: '/card', body: expected })])
  })

  it('push the plain form on the secure host only', async () => {
    const { url } = await knot(() => ({ status: 500, body: {} }))
    const secure = await knot(() => ({ status: 200, body: { message: 'Success' } }))
    const answer = await api(url, { secureUrl: secure.url }).pushCard(TARGET, SealedCard.plain(cardWith()), () => true)
    expect(answer.kind).toBe('accepted')
    expect(secure.seen[0]?.body).toEqual({
      user: HOLDER,
      card: { number: CANARY_PAN, expiration: '08/2030', cvv: CANARY_CVV },
      external_user_id: 'user 1/ä',
      merchant_id: 19,
    })
  })

  it('push the plain form with the task id alone, where a link waits for the card', async () => {
    const secure = await knot(() => ({ status: 200, body: { message: 'Success' } }))
    const task = { ...TARGET, taskId: '25605', cardName: 'Gold' }
    const client = api('http://127.0.0.1:1', { secureUrl: secure.url })
    expect((await client.pushCard(task, SealedCard.plain(cardWith()), () => true)).kind).toBe('accepted')
    expect(secure.seen[0]?.body).toEqual({
      user: HOLDER,
      card: { number: CANARY_PAN, expiration: '08/2030', cvv: CANARY_CVV },
      task_id: '25605',
    })
  })

  it('are vetoed at the wire', async () => {
    const { url, seen } = await knot(() => ({ status: 200, body: {} }))
    expect(await api(url).pushCard(TARGET, SealedCard.encrypted('x'), () => false)).toEqual({ kind: 'vetoed' })
    expect(seen).toEqual([])
  })
})

describe('the key', () => {
  it.each([
    [200, { kid: 'k' }, { kind: 'jwk', body: { kid: 'k' } }],
    [401, { error_code: 'INVALID_API_KEYS' }, { kind: 'unauthorized' }],
    [403, { error_code: 'NO_ACCESS' }, { kind: 'forbidden' }],
    [503, {}, { kind: 'unavailable', retryAfterMs: null, httpStatus: 503 }],
    [302, {}, { kind: 'unavailable', retryAfterMs: null, httpStatus: 302 }],
  ])('%d', async (status, body, expected) => {
    const { url } = await knot(() => ({ status, body }))
    expect(await api(url).jwk()).toEqual(expected)
  })
})

describe('hosts', () => {
  const at = (url: string, allowInsecure = false) => api(url, { allowInsecure })

  it.each(['https://development.knotapi.com', 'http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1'])(
    '%s is taken',
    url => {
      expect(() => at(url)).not.toThrow()
    },
  )

  it.each(['http://knot.internal', 'http://127.0.0.1.example.com', 'http://10.0.0.1'])('%s is refused', url => {
    expect(() => at(url)).toThrow(InsecureUrlError)
    expect(() => at(url)).toThrow(/knot\.allowInsecure/)
    expect(() => at(url, true)).not.toThrow()
  })

  it('the secure host is checked too', () => {
    expect(() => api('https://a.example', { secureUrl: 'http://b.example' })).toThrow(/knot\.secureUrl/)
  })
})

describe('CardUpdater', () => {
  async function rotatingKnot() {
    const pairs = await Promise.all(
      [1, 2].map(() => generateKeyPair('RSA-OAEP-256', { modulusLength: 2048, extractable: true })),
    )
    let current = 0
    const server = await knot(({ url }) => {
      if (url !== '/jwe/key') return { status: 200, body: {} }
      return { status: 200, body: keys[current] }
    })
    const keys = await Promise.all(
      pairs.map(async ({ publicKey }, i) => ({
        ...(await exportJWK(publicKey)),
        alg: 'RSA-OAEP-256',
        use: 'enc',
        kid: `key-${i}`,
      })),
    )
    return { ...server, pairs, rotate: () => (current = 1) }
  }

  it('sends what only the holder of the current key can read, and follows a rotation after a refusal', async () => {
    const server = await rotatingKnot()
    const updater = new CardUpdater(api(server.url), 'jwe')
    const first = await updater.key(null)
    if (first.kind !== 'key') throw new Error(first.kind)
    await updater.push(TARGET, await updater.seal(cardWith(), first.key), () => true)
    server.rotate()
    const second = await updater.key(first.key)
    if (second.kind !== 'key') throw new Error(second.kind)
    await updater.push(TARGET, await updater.seal(cardWith(), second.key), () => true)
    const bodies = server.seen.filter(({ url }) => url === '/card').map(({ body }) => body as { jwe: string })
    for (const [i, { jwe }] of bodies.entries()) {
      const { plaintext, protectedHeader } = await compactDecrypt(jwe, server.pairs[i]!.privateKey)
      expect(protectedHeader.kid).toBe(`key-${i}`)
      expect(Buffer.from(plaintext).toString()).toContain(CANARY_PAN)
    }
    expect(bodies).toHaveLength(2)
  })

  it('needs no key for the plain form', async () => {
    const { url, seen } = await knot(() => ({ status: 200, body: {} }))
    const updater = new CardUpdater(api(url, { secureUrl: url }), 'plain')
    expect(await updater.key(null)).toEqual({ kind: 'key', key: 'plain' })
    expect(await updater.push(TARGET, await updater.seal(cardWith(), 'plain'), () => true)).toMatchObject({
      kind: 'accepted',
    })
    expect(seen.map(request => request.url)).toEqual(['/card'])
  })

  it.each([
    [200, true],
    [403, true],
    [401, false],
    [503, false],
  ])('a %d says: credentials accepted = %s', async (status, accepted) => {
    const { url } = await knot(() => ({ status, body: {} }))
    expect(await new CardUpdater(api(url), 'jwe').credentialsAccepted()).toBe(accepted)
  })
})
