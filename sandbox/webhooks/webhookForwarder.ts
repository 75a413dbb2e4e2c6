import { fastify } from 'fastify'
import { Kafka, Partitioners, logLevel } from 'kafkajs'
import { signatureMatches } from '../knot/signature.ts'

export interface WebhookForwarderOptions {
  /** `host:port`, comma separated. */
  readonly brokers: string
  /** Knot's API secret: key of `Knot-Signature`. */
  readonly secret: string
  /** Default `knot-events`. It must exist. */
  readonly topic?: string
  /** Port on loopback; 0 (default) takes a free one. */
  readonly port?: number
}

/** A small webhook gateway, as an issuer has one in front of its bus. */
export interface WebhookForwarder {
  /** Where Knot sends its webhooks. */
  readonly url: string
  /** Requests so far, by the status that was answered. */
  readonly answered: ReadonlyMap<number, number>
  stop(): Promise<void>
}

const textField = (body: unknown, name: string): string | undefined => {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' ? value : undefined
}

const parse = (raw: Buffer): unknown => {
  try {
    return JSON.parse(raw.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/**
 * `POST /webhooks/knot`: verifies `Knot-Signature` over the raw bytes, writes those bytes to Kafka (key: the user id,
 * none for events without a user) and answers exactly 200 after all in-sync replicas have them. 400 = not JSON or no
 * event, 401 = signature, 503 = Kafka did not take it; Knot repeats after those.
 */
export const startWebhookForwarder = async (options: WebhookForwarderOptions): Promise<WebhookForwarder> => {
  const { brokers, secret, topic = 'knot-events', port = 0 } = options
  const kafka = new Kafka({ clientId: 'webhook-forwarder', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 5 },
  })
  await producer.connect()
  const answered = new Map<number, number>()

  const server = fastify({ forceCloseConnections: true })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, raw, done) => done(null, raw))
  server.addHook('onResponse', (_request, reply, done) => {
    answered.set(reply.statusCode, (answered.get(reply.statusCode) ?? 0) + 1)
    done()
  })
  server.post('/webhooks/knot', async (request, reply) => {
    const raw = request.body as Buffer
    const body = parse(raw)
    const event = textField(body, 'event')
    if (event === undefined) return reply.code(400).send({ error: 'no_event' })
    const parts = { contentLength: raw.length, event, sessionId: textField(body, 'session_id') }
    const signature = request.headers['knot-signature']
    if (typeof signature !== 'string' || !signatureMatches(secret, parts, signature)) {
      return reply.code(401).send({ error: 'bad_signature' })
    }
    try {
      await producer.send({
        topic,
        acks: -1,
        messages: [{ key: textField(body, 'external_user_id') ?? null, value: raw }],
      })
    } catch {
      return reply.code(503).send({ error: 'not_written' })
    }
    return reply.code(200).send({ ok: true })
  })
  const origin = await server.listen({ host: '127.0.0.1', port })

  return {
    url: `${origin}/webhooks/knot`,
    answered,
    async stop() {
      await server.close()
      await producer.disconnect()
    },
  }
}
