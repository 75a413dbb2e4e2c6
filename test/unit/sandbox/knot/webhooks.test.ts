import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { knotSignature, signatureMatches } from '../../../../sandbox/knot/signature.ts'

describe('Knot-Signature', () => {
  const sessionId = 'fb5aa994-ed1c-4c3e-b29a-b2a53222e584'
  test.each([
    { contentLength: 178, event: 'CARD_UPDATED', sessionId, signature: 'ZqZX5dAW25dFM/UYg+jdqgtSmyBjreWc2XkNSWcGKNk=' },
    { contentLength: 242, event: 'CARD_UPDATED', sessionId, signature: 'RAvhgyaUD8kkTL9Rn/8V+VlxRcGvHI9Mr3r2hYJZDBw=' },
    { contentLength: 178, event: 'ACCOUNT_LOGIN_REQUIRED', signature: 'uTeR+rYriNGgSP+r+AySpd005aJoEl3En6m2btDWv5Y=' },
  ])('of $event with $contentLength bytes', ({ signature, ...parts }) => {
    expect(knotSignature('test_secret', parts)).toBe(signature)
    expect(signatureMatches('test_secret', parts, signature)).toBe(true)
    expect(signatureMatches('other_secret', parts, signature)).toBe(false)
    expect(signatureMatches('test_secret', { ...parts, contentLength: 1 }, signature)).toBe(false)
    expect(signatureMatches('test_secret', parts, signature.slice(1))).toBe(false)
  })
})

describe('delivery', () => {
  let knot: KnotSimulator
  let receiver: Server
  let received: { headers: IncomingHttpHeaders; body: Buffer }[]
  let statuses: number[]

  beforeEach(async () => {
    received = []
    statuses = []
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        received.push({ headers: request.headers, body: Buffer.concat(chunks) })
        response.writeHead(statuses.shift() ?? 200).end('{}')
      })
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    knot = await startKnot({ secret: 'test_secret', webhookRetryDelayMs: 5, webhookTimeoutMs: 500 })
    knot.sendWebhooksTo(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`)
    knot.link({ userId: 'user-1', merchantId: 19 })
  })
  afterEach(async () => {
    await knot.stop()
    receiver.closeAllConnections()
    await once(receiver.close(), 'close')
  })

  test('the signature fits the raw bytes, with and without a session', async () => {
    knot.announce({ event: 'CARD_UPDATED', session_id: 's-1', external_user_id: 'ü' })
    knot.disconnect('user-1', 19)
    await knot.settled()
    expect(received).toHaveLength(2)
    for (const { headers, body } of received) {
      const { event, session_id: sessionId } = JSON.parse(body.toString()) as { event: string; session_id?: string }
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'content-length': String(body.length) })
      const parts = { contentLength: body.length, event, sessionId }
      expect(signatureMatches('test_secret', parts, String(headers['knot-signature']))).toBe(true)
    }
  })

  test.each([
    { answers: [200], deliveries: 1 },
    { answers: [500, 200], deliveries: 2 },
    { answers: [204, 200], deliveries: 2 },
    { answers: [302, 404, 200], deliveries: 3 },
    { answers: [500, 500, 500, 200], deliveries: 3 },
  ])('answers $answers take $deliveries deliveries of the same bytes', async ({ answers, deliveries }) => {
    statuses = [...answers]
    knot.announce({ event: 'CARD_FAILED', external_user_id: 'user-1' })
    await knot.settled()
    expect(received).toHaveLength(deliveries)
    expect(new Set(received.map(({ body }) => body.toString())).size).toBe(1)
    expect(knot.webhooks()[0]?.attempts.map(attempt => attempt.status)).toEqual(answers.slice(0, deliveries))
  })

  test('a receiver that is down is tried three times', async () => {
    receiver.closeAllConnections()
    receiver.close()
    knot.announce({ event: 'CARD_FAILED', external_user_id: 'user-1' })
    await knot.settled()
    expect(knot.webhooks()[0]?.attempts.map(attempt => attempt.status)).toEqual([null, null, null])
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
  })
})
