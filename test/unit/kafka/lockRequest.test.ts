import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { TransactionalProducer } from '../../../src/kafka/transaction.ts'
import { Writer } from '../../../src/kafka/wire.ts'
import { apiVersionsAnswer, FakeBroker, metadataAnswer, MODERN } from './fakeBroker.ts'

const [METADATA, FIND_COORDINATOR, API_VERSIONS, INIT_PRODUCER_ID] = [3, 10, 18, 22]
const SESSION_MS = 600

/** One broker that coordinates all, over a real socket, and a member of its group that is confirmed as the test says. */
class LockSite implements AsyncDisposable {
  /** Of the cluster, as the broker says it. */
  transactionVersion = 2
  /** The next answers to ApiVersions say this instead, one after the other. */
  readonly versionsErrors: number[] = []
  /** The next answer to ApiVersions takes so long. */
  versionsTakeMs = 0
  confirmations = 0
  confirm: () => Promise<void> = () => Promise.resolve()
  /** How often the member had been confirmed when each InitProducerId came. */
  readonly locks: number[] = []
  /** Of the last request. */
  socket: Socket | undefined
  readonly producer: TransactionalProducer
  private readonly broker: FakeBroker
  private readonly cluster: Cluster

  private constructor(broker: FakeBroker, cluster: Cluster) {
    this.broker = broker
    this.cluster = cluster
    this.producer = new TransactionalProducer(cluster, {
      transactionalId: 'tx',
      groupId: 'g',
      member: {
        sessionTimeoutMs: SESSION_MS,
        confirmed: async () => {
          this.confirmations++
          await this.confirm()
          return performance.now()
        },
      },
      timeoutMs: 30_000,
    })
  }

  static async start(): Promise<LockSite> {
    const started: { site?: LockSite } = {}
    const broker = await FakeBroker.start(({ apiKey, socket, answer }, self) => {
      const { site } = started
      if (site !== undefined) site.socket = socket
      if (apiKey === METADATA) answer(metadataAnswer(self.address))
      else if (apiKey === API_VERSIONS) {
        const errorCode = site?.versionsErrors.shift()
        const versions =
          errorCode === undefined
            ? apiVersionsAnswer(MODERN, site?.transactionVersion)
            : new Writer().int16(errorCode).int32(0).finish()
        const takesMs = site?.versionsTakeMs ?? 0
        if (site !== undefined) site.versionsTakeMs = 0
        if (takesMs === 0) answer(versions)
        else setTimeout(() => answer(versions), takesMs)
      } else if (apiKey === FIND_COORDINATOR) {
        const [host = '', port] = self.address.split(':')
        answer(new Writer().int32(0).int16(0).string(null).int32(1).string(host).int32(Number(port)).finish())
      } else if (apiKey === INIT_PRODUCER_ID) {
        site?.locks.push(site.confirmations)
        answer(new Writer().emptyTags().int32(0).int16(0).int64(7n).int16(1).emptyTags().finish())
      }
    })
    const cluster = await Cluster.connect({ brokers: [broker.address], clientId: 'test' })
    started.site = new LockSite(broker, cluster)
    return started.site
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close()
    await this.broker[Symbol.asyncDispose]()
  }
}

let site: LockSite | undefined
afterEach(async () => {
  await site?.[Symbol.asyncDispose]()
  site = undefined
})

describe('the lock', () => {
  it('goes by the protocol that the cluster has at each initialisation: it may be raised and lowered while we run', async () => {
    site = await LockSite.start()
    const { producer } = site
    const chosen: string[] = []
    for (const version of [0, 2, 0]) {
      site.transactionVersion = version
      await producer.takeOver()
      chosen.push(producer.protocol)
    }
    expect(chosen).toEqual(['v1', 'v2', 'v1'])
  })

  it.each([
    [9_999, 'KAFKA_ERROR_9999'],
    [35, 'KAFKA_UNSUPPORTED_BROKER'],
  ])('is not taken by the older protocol because a broker says %i, and not what it has', async (errorCode, code) => {
    site = await LockSite.start()
    const { producer, locks } = site
    await producer.takeOver()
    locks.length = 0
    site.versionsErrors.push(errorCode)
    await expect(producer.takeOver()).rejects.toMatchObject({ code })
    expect(locks).toEqual([])
    await producer.takeOver()
    expect(producer.protocol).toBe('v2')
  })
})

describe('the proof of continuity', () => {
  it('is not written later than half a session after its confirmation: the group is asked again before it', async () => {
    site = await LockSite.start()
    const { producer, locks } = site
    const broken = site
    await producer.takeOver()
    locks.length = 0
    broken.confirmations = 0
    broken.confirm = async () => {
      if (broken.confirmations > 1) return
      // The connection to the coordinator breaks, and the next one takes longer than half a session.
      broken.versionsTakeMs = SESSION_MS
      broken.socket?.destroy()
      await wait(50)
    }
    await producer.proveContinuity()
    // A machine that stalls may have it asked for more than once.
    expect(locks.length).toBeGreaterThan(0)
    expect(Math.min(...locks)).toBeGreaterThanOrEqual(2)
  })
})
