import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TopicAdmin } from '../../../src/kafka/admin.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import type { SaslOptions } from '../../../src/kafka/cluster.ts'
import { AuthenticationFailedError, ConnectionLostError } from '../../../src/kafka/errors.ts'
import { Fetcher } from '../../../src/kafka/fetcher.ts'
import { GroupMember } from '../../../src/kafka/groupMember.ts'
import { TransactionalProducer } from '../../../src/kafka/transaction.ts'
import { startSecuredKafka } from '../../support/securedKafka.ts'
import type { SecuredKafka } from '../../support/securedKafka.ts'
import { output, unique } from './bench.ts'

let kafka: SecuredKafka
const clusters: Cluster[] = []

beforeAll(async () => {
  kafka = await startSecuredKafka()
})
afterAll(async () => {
  for (const cluster of clusters) await cluster.close()
  await kafka.stop()
})

async function connect(sasl: SaslOptions): Promise<Cluster> {
  const ssl = { ca: kafka.ca }
  const cluster = await Cluster.connect({
    brokers: [kafka.brokers],
    clientId: 'test',
    ssl,
    sasl,
    requestTimeoutMs: 5_000,
  })
  clusters.push(cluster)
  return cluster
}

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const nowS = () => Math.floor(Date.now() / 1_000)

/** A token without a signature, as the broker here accepts it. */
const token = () =>
  Promise.resolve(`${base64({ alg: 'none' })}.${base64({ sub: kafka.username, iat: nowS(), exp: nowS() + 60 })}.`)

/** Membership, commits (three at least) and fetches for `ms`, of which none may fail. */
async function work(cluster: Cluster, ms: number): Promise<void> {
  const admin = await TopicAdmin.connect(cluster)
  const topic = unique('t')
  await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, config: {} }])
  await admin.close()
  const assigned = Promise.withResolvers<unknown>()
  const lost: string[] = []
  const member = new GroupMember(cluster, {
    groupId: unique('g'),
    topics: [topic],
    instanceId: null,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    heartbeatIntervalMs: 300,
    owned: () => [],
    warm: () => [],
    onAssigned: assigned.resolve,
    onLost: reason => lost.push(reason),
    onFailed: error => lost.push(error.message),
    log: pino({ level: 'silent' }),
  })
  member.start()
  await assigned.promise
  const { groupId } = member.membership
  const producer = new TransactionalProducer(cluster, {
    transactionalId: unique('tx'),
    groupId,
    member,
    timeoutMs: 10_000,
  })
  await producer.takeOver()
  const fetcher = new Fetcher(cluster, { maxWaitMs: 50 })
  const errors = new Set<string>()
  const subscription = fetcher.subscribe(topic, 0, 0, () => subscription.take())
  const startedMs = performance.now()
  let commits = 0
  do {
    const offset = { topic, partition: 0, offset: ++commits, metadata: '' }
    await producer.commit([[output(topic, 0, `${commits}`)]], offset, member.membership)
    if (subscription.lastError) errors.add(subscription.lastError.message)
    if (member.lastError) errors.add(member.lastError.message)
    await new Promise(resolve => setTimeout(resolve, 50))
  } while (commits < 3 || performance.now() - startedMs < ms)
  await expect.poll(() => subscription.position).toBe(commits * 2)
  await member.stop({ leave: true })
  await fetcher.close()
  expect([[...errors], lost]).toEqual([[], []])
}

describe('over TLS', () => {
  it.each([
    ['PLAIN', () => ({ mechanism: 'plain', username: kafka.username, password: kafka.password }) as const],
    [
      'SCRAM-SHA-256',
      () => ({ mechanism: 'scram-sha-256', username: kafka.username, password: kafka.password }) as const,
    ],
    [
      'SCRAM-SHA-512',
      () => ({ mechanism: 'scram-sha-512', username: kafka.username, password: kafka.password }) as const,
    ],
    ['OAUTHBEARER', () => ({ mechanism: 'oauthbearer', token }) as const],
  ])('everything works with %s', async (_mechanism, sasl) => {
    await work(await connect(sasl()), 0)
  })

  it('sessions are renewed before they end, and nothing fails meanwhile, however short they are', async () => {
    const cluster = await connect({ mechanism: 'plain', username: kafka.username, password: kafka.password })
    await work(cluster, kafka.sessionMs * 2.5)
  })

  it.each(['plain', 'scram-sha-256'] as const)(
    'a wrong password is an error that names the settings (%s)',
    async mechanism => {
      const failure = await connect({ mechanism, username: kafka.username, password: 'wrong' }).catch((e: unknown) => e)
      expect(failure).toBeInstanceOf(AuthenticationFailedError)
      expect((failure as Error).message).toContain('kafka.sasl')
      expect((failure as Error).message).not.toContain('wrong')
    },
  )

  it('a broker whose certificate nobody vouches for is not spoken to', async () => {
    const sasl = { mechanism: 'plain', username: kafka.username, password: kafka.password } as const
    const refused = Cluster.connect({ brokers: [kafka.brokers], clientId: 'test', ssl: {}, sasl })
    await expect(refused).rejects.toThrow(ConnectionLostError)
    await expect(Cluster.connect({ brokers: [kafka.brokers], clientId: 'test', ssl: {}, sasl })).rejects.toThrow(
      /self.signed/,
    )
  })

  it('a client that speaks plain text gets a typed error', async () => {
    await expect(
      Cluster.connect({ brokers: [kafka.brokers], clientId: 'test', requestTimeoutMs: 2_000 }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^KAFKA_/) as string })
  })
})
