import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { startKnot } from '../../../sandbox/knot/knotSimulator.ts'
import { knotSignature } from '../../../sandbox/knot/signature.ts'
import { startWebhookForwarder } from '../../../sandbox/webhooks/webhookForwarder.ts'
import type { WebhookForwarder } from '../../../sandbox/webhooks/webhookForwarder.ts'

const topic = `knot-events-${randomUUID()}`
const secret = 'test_secret'
const kafka = new Kafka({ clientId: 'test', brokers: inject('brokers').split(','), logLevel: logLevel.NOTHING })
const admin = kafka.admin()
let forwarder: WebhookForwarder

const written = async (): Promise<number> => {
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsets.reduce((sum, { high }) => sum + Number(high), 0)
}

beforeAll(async () => {
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] })
  await vi.waitFor(written, { timeout: 10_000 })
  forwarder = await startWebhookForwarder({ brokers: inject('brokers'), secret, topic })
})
afterAll(async () => {
  await forwarder.stop()
  await admin.deleteTopics({ topics: [topic] })
  await admin.disconnect()
})

const post = async (body: string, signature?: string): Promise<number> => {
  const headers = {
    'content-type': 'application/json',
    ...(signature === undefined ? {} : { 'knot-signature': signature }),
  }
  return (await fetch(forwarder.url, { method: 'POST', headers, body })).status
}
const signed = (body: string): string => {
  const { event, session_id: sessionId } = JSON.parse(body) as { event: string; session_id?: string }
  return knotSignature(secret, { contentLength: Buffer.byteLength(body), event, sessionId })
}
test('200 means written: key is the user, value the raw bytes, one user in one partition', async () => {
  const before = await written()
  const bodies = [1, 2, 3].map(n => `{ "event":"CARD_UPDATED",  "session_id":"s-${n}", "external_user_id":"user-ü" }`)
  for (const body of bodies) expect(await post(body, signed(body))).toBe(200)
  const anonymous = '{"event":"MERCHANT_STATUS_UPDATE","merchant":{"id":1}}'
  expect(await post(anonymous, signed(anonymous))).toBe(200)
  expect(await written()).toBe(before + 4)

  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}` })
  const read: { key: string | undefined; value: string | undefined; partition: number }[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        read.push({ key: message.key?.toString(), value: message.value?.toString(), partition })
        return Promise.resolve()
      },
    })
    await expect.poll(() => read.length, { timeout: 20_000 }).toBe(4)
  } finally {
    await consumer.disconnect()
  }
  const ofUser = read.filter(record => record.key === 'user-ü')
  expect(ofUser.map(record => record.value)).toEqual(bodies)
  expect(new Set(ofUser.map(record => record.partition)).size).toBe(1)
  expect(read.find(record => record.key === undefined)?.value).toBe(anonymous)
})

test.each([
  { name: 'no signature', body: '{"event":"CARD_UPDATED"}', signature: undefined, status: 401 },
  { name: 'another signature', body: '{"event":"CARD_UPDATED"}', signature: 'AAAA', status: 401 },
  { name: 'no event', body: '{}', signature: 'AAAA', status: 400 },
  { name: 'no JSON', body: '{', signature: 'AAAA', status: 400 },
])('$name: $status and nothing written', async ({ body, signature, status }) => {
  const before = await written()
  expect(await post(body, signature)).toBe(status)
  expect(await written()).toBe(before)
})

test('what Kafka does not take is not acknowledged, and Knot repeats it', async () => {
  const other = await startWebhookForwarder({ brokers: inject('brokers'), secret, topic: `missing-${randomUUID()}` })
  const knot = await startKnot({ secret, webhookUrls: [other.url], webhookRetryDelayMs: 10, webhookTimeoutMs: 30_000 })
  try {
    knot.announce({ event: 'CARD_UPDATED', external_user_id: 'user-1' })
    await knot.settled()
    expect(knot.webhooks()[0]?.attempts.map(({ status }) => status)).toEqual([503, 503, 503])
  } finally {
    await knot.stop()
    await other.stop()
  }
})

test("the simulator's webhooks arrive", async () => {
  const before = await written()
  const knot = await startKnot({ secret, webhookUrls: [forwarder.url] })
  try {
    knot.link({ userId: 'user-1', merchantId: 19, announce: true })
    knot.disconnect('user-1', 19)
    await knot.settled()
    expect(knot.webhooks().flatMap(({ attempts }) => attempts.map(({ status }) => status))).toEqual([200, 200])
    expect(await written()).toBe(before + 2)
  } finally {
    await knot.stop()
  }
})
