import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { webcrypto } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { startKnot } from '../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../sandbox/knot/knotSimulator.ts'
import type { HttpFault } from '../../../sandbox/knot/script.ts'
import { KnotApi } from '../../../src/knot/knotApi.ts'
import { SealedCard } from '../../../src/knot/sealedCard.ts'
import { encryptCard, importEncryptionKey } from '../../../src/knot/jwe.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { CANARY_CVV, CANARY_PAN, cardWith } from './cards.ts'

const SECRET = 'knot-secret-canary'
const BASIC = Buffer.from(`sandbox_client:${SECRET}`).toString('base64')
const TIMEOUT_MS = 200
const FORBIDDEN = [CANARY_PAN, `"${CANARY_CVV}"`, '08/2030', 'Lovelace', '100 Main Street', SECRET, BASIC]
/** The same as numbers, which is how JSON writes the bytes of a Buffer. */
const PAN_AS_BYTES = [...Buffer.from(CANARY_PAN)].join(',')

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** Every way in which a caller may hand an error to the log, as the lines that leave the process. */
function loggedLines(error: unknown): string {
  const lines: string[] = []
  const log = createLog({ level: 'trace', destination: { write: line => void lines.push(line) } })
  const wrapped = new Error('a push failed', { cause: error })
  log.error(error)
  log.error({ err: error }, 'failed')
  log.error({ error: wrapped }, 'failed')
  log.error({ err: wrapped }, 'failed')
  log.error({ failure: error }, 'failed')
  log.child({ err: error }).warn('failed')
  log.warn(`failed: ${String(error)}`)
  expect(lines).toHaveLength(7)
  return lines.join('')
}

function expectNoCanary(text: string): void {
  for (const secret of [...FORBIDDEN, PAN_AS_BYTES]) expect(text).not.toContain(secret)
}

interface SeenError {
  readonly error: Error
  /** The failed request still had the card in its body. */
  readonly carriedCard: boolean
  readonly lines: string
}

/** undici's own error objects, which the client never lets out, with what was in their request at that moment. */
function tapUndici(): SeenError[] {
  const seen: SeenError[] = []
  const note = (message: unknown): void => {
    const { request, error } = message as { request: { body: unknown }; error: Error }
    const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : ''
    seen.push({ error, carriedCard: body.includes(CANARY_PAN), lines: loggedLines(error) })
  }
  subscribe('undici:request:error', note)
  cleanUps.push(() => unsubscribe('undici:request:error', note))
  return seen
}

async function pushPlain(secureUrl: string): Promise<object> {
  const api = new KnotApi({
    url: secureUrl,
    secureUrl,
    clientId: 'sandbox_client',
    secret: SECRET,
    timeoutMs: TIMEOUT_MS,
    connections: 1,
  })
  cleanUps.push(() => api.close())
  const target = { userId: 'ada', merchantId: 19, taskId: null }
  return api.pushCard(target, SealedCard.plain(cardWith()), () => true)
}

const http =
  (fault: HttpFault) =>
  (knot: KnotSimulator): void =>
    knot.planFaults({ userId: '*', merchantId: '*', fault: { http: fault } })

/** The card comes back in what Knot says, in every place that the client reads. */
const echo = {
  kind: 'answer',
  status: 400,
  body: { error_type: CANARY_PAN, error_code: CANARY_PAN, error_message: `card ${CANARY_PAN} cvv "${CANARY_CVV}"` },
  retryAfter: CANARY_PAN,
} as const

describe('an error of undici, with a card in the request', () => {
  const phases: [name: string, prepare: (knot: KnotSimulator) => unknown, kind: string, errors: number][] = [
    ['connection refused', knot => knot.stop(), 'unreachable', 1],
    [
      'reset before the body is read',
      knot => knot.planFaults({ userId: '*', merchantId: '*', fault: 'drop_unread' }),
      'ambiguous',
      1,
    ],
    ['reset after the body', http({ kind: 'drop', when: 'after_body' }), 'ambiguous', 1],
    ['reset before the answer', http({ kind: 'drop', when: 'before_answer' }), 'ambiguous', 1],
    ['reset in the answer', http({ kind: 'drop', when: 'in_answer' }), 'ambiguous', 1],
    ['timeout', http({ kind: 'hold', holdMs: TIMEOUT_MS * 2 }), 'ambiguous', 1],
    ['huge answer', http({ kind: 'body', body: 'huge' }), 'ambiguous', 1],
    ['garbage answer', http({ kind: 'body', body: 'garbage' }), 'ambiguous', 0],
    ['the card echoed', http(echo), 'unknown_error', 0],
  ]
  it.each(phases)('%s: neither the log nor the answer tells of it', async (_, prepare, kind, errors) => {
    const knot = await startKnot({ secret: SECRET, webhookDelayMs: 5 })
    cleanUps.push(() => knot.stop())
    knot.link({ userId: 'ada', merchantId: 19 })
    const { secureUrl } = knot
    await prepare(knot)
    const seen = tapUndici()
    const answer = await pushPlain(secureUrl)
    expect(answer).toMatchObject({ kind })
    await expect.poll(() => seen.length).toBe(errors)
    for (const { lines } of seen) expectNoCanary(lines)
    expect(seen.every(({ carriedCard }) => carriedCard)).toBe(true)
    expectNoCanary(JSON.stringify(answer) + loggedLines(answer))
  })

  it('an answer that is no HTTP and quotes the card', async () => {
    const server = createServer(socket => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end(`card ${CANARY_PAN} is no HTTP\r\n\r\n`))
    }).listen(0, '127.0.0.1')
    cleanUps.push(() => server.close())
    await new Promise(resolve => server.once('listening', resolve))
    const seen = tapUndici()
    const answer = await pushPlain(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    expect(answer).toMatchObject({ kind: 'ambiguous', why: 'connection_lost' })
    await expect.poll(() => seen.length).toBe(1)
    expect(seen[0]?.error.name).toBe('HTTPParserError')
    expectNoCanary(seen[0]!.lines)
  })
})

describe('an error of jose', () => {
  it('a key that cannot encrypt, with the card in hand', async () => {
    const { publicKey } = await webcrypto.subtle.generateKey(
      { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    )
    const error: unknown = await encryptCard(cardWith(), { kid: 'kid-1', key: publicKey }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Error)
    expectNoCanary(loggedLines(error))
  })

  it.each([
    ['no object', CANARY_PAN],
    ['wrong fields', { kty: CANARY_PAN, alg: CANARY_PAN, use: CANARY_PAN, kid: '', n: '', e: CANARY_PAN }],
    ['a key of its own', { [CANARY_PAN]: CANARY_PAN }],
    ['a modulus too short', { kty: 'RSA', alg: 'RSA-OAEP-256', use: 'enc', kid: CANARY_PAN, n: CANARY_PAN, e: 'AQAB' }],
  ])('a published key with %s', async (_, body) => {
    const outcome: unknown = await importEncryptionKey(body).catch((e: unknown) => e)
    expect(outcome).toMatchObject({ code: 'JWK_UNUSABLE' })
    expectNoCanary(loggedLines(outcome) + (outcome as Error).message)
  })
})
