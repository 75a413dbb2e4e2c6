/**
 * The world around onfile in docker-compose.yml: Knot, a card vault with its directory, a webhook gateway and an issuer
 * that writes account-updater events without end. Ready when `GET /healthz` answers 200.
 */
import { fastify } from 'fastify'
import { Issuer } from '../demo/issuer.ts'
import { startKnot } from '../knot/knotSimulator.ts'
import { startVault } from '../vault/vaultServer.ts'
import { startWebhookForwarder } from '../webhooks/webhookForwarder.ts'
import { EventStream } from './eventStream.ts'
import { sandboxSettings } from './settings.ts'

const { brokers, registryUrl, users, eventsPerSecond, topicPrefix, host, port } = sandboxSettings(process.env)
const lifecycle = `${topicPrefix}card-lifecycle`
const webhooks = `${topicPrefix}knot-events`
const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())

const issuer = await Issuer.open(brokers, registryUrl, [lifecycle, webhooks])
const knot = await startKnot({ host, port: port + 1, securePort: port + 2, webhookDelayMs: 500 })
const vault = await startVault({ host, port: port + 3 })
const gateway = await startWebhookForwarder({ brokers, secret: knot.secret, topic: webhooks })
knot.sendWebhooksTo(gateway.url)
const stream = new EventStream(issuer, knot, vault, { users, eventsPerSecond, topic: lifecycle })

const health = fastify()
health.get('/healthz', () => ({ events: stream.written, pushes: knot.pushes().length }))
await health.listen({ host, port })
console.log(`Knot ${knot.url}, vault ${vault.url}, ${users} cardholders, ${eventsPerSecond} events per second`)

await stream.run(stop.signal)
await Promise.all([health.close(), gateway.stop(), vault.stop(), knot.stop(), issuer.close()])
