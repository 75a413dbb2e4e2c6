import { describe, expect, it } from 'vitest'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import { ConnectionLostError, MemberStoppedError } from '../../../src/kafka/errors.ts'
import type { Request } from '../../../src/kafka/request.ts'
import { TransactionalProducer } from '../../../src/kafka/transaction.ts'

const CONCURRENT_TRANSACTIONS = 51
const SESSION_MS = 6_000

/** Two nodes that answer for themselves, and a member that is confirmed when and as the test says. */
class FakeBrokers {
  readonly sent: string[] = []
  confirmations = 0
  coordinator = 1
  /** What becomes of the next InitProducerId: lost, an error code, or granted. */
  readonly locks: ('lost' | number)[] = []
  offsetOf: (node: number) => number = () => -1
  confirm: () => Promise<unknown> = () => Promise.resolve()
  /** When the request was sent that the group confirmed the member by: just now, unless said otherwise. */
  confirmedAtMs: number | undefined
  /** The latest time at which the last InitProducerId may be written. */
  writeByMs: number | undefined

  readonly cluster = {
    settings: { connection: { requestTimeoutMs: 30_000 } },
    coordinator: () => Promise.resolve(this.coordinator),
    forgetCoordinator: () => undefined,
    transactionVersion: () => Promise.resolve(2),
    call: (node: number, _lane: string, request: Request<unknown>) => {
      this.sent.push(request.api.name)
      if (request.api.name === 'OffsetFetch') {
        return Promise.resolve({ errorCode: 0, offset: this.offsetOf(node), metadata: '' })
      }
      this.writeByMs = request.writeByMs
      const outcome = this.locks.shift() ?? 0
      if (outcome === 'lost') return Promise.reject(new ConnectionLostError('b', 'the connection ended'))
      return Promise.resolve({ errorCode: outcome, producerId: 7n, epoch: 1 })
    },
  } as unknown as Cluster

  readonly producer = new TransactionalProducer(this.cluster, {
    transactionalId: 'tx',
    groupId: 'g',
    member: {
      sessionTimeoutMs: SESSION_MS,
      confirmed: async () => {
        this.confirmations++
        await this.confirm()
        return this.confirmedAtMs ?? performance.now()
      },
    },
    timeoutMs: 30_000,
  })

  count(api: string): number {
    return this.sent.filter(name => name === api).length
  }
}

const soon = () => new Promise(resolve => setTimeout(resolve, 100))

describe('the proof of continuity', () => {
  it('is asked for only once the group has confirmed the member', async () => {
    const brokers = new FakeBrokers()
    await brokers.producer.takeOver()
    const confirmed = Promise.withResolvers<unknown>()
    brokers.confirm = () => confirmed.promise
    const proved = brokers.producer.proveContinuity()
    await soon()
    expect(brokers.count('InitProducerId')).toBe(1)
    confirmed.resolve(true)
    await proved
    expect(brokers.count('InitProducerId')).toBe(2)
  })

  it('may be written within half a session of the request that the group answered, not of the question', async () => {
    const brokers = new FakeBrokers()
    await brokers.producer.takeOver()
    // A round of the group: the request that confirms goes out long after it was asked for.
    brokers.confirmedAtMs = performance.now() + 60_000
    await brokers.producer.proveContinuity()
    expect(brokers.writeByMs).toBe(brokers.confirmedAtMs + SESSION_MS / 2)
  })

  it('is not repeated after a lost connection before the group has confirmed the member anew', async () => {
    const brokers = new FakeBrokers()
    await brokers.producer.takeOver()
    const again = Promise.withResolvers<unknown>()
    brokers.locks.push('lost')
    brokers.confirm = () => (brokers.confirmations < 2 ? Promise.resolve() : again.promise)
    const proved = brokers.producer.proveContinuity()
    await expect.poll(() => brokers.confirmations, { timeout: 10_000 }).toBe(2)
    await soon()
    expect(brokers.count('InitProducerId')).toBe(2)
    again.resolve(true)
    await proved
    expect(brokers.count('InitProducerId')).toBe(3)
  })

  it('is never repeated by a member that has lost its place meanwhile', async () => {
    const brokers = new FakeBrokers()
    await brokers.producer.takeOver()
    brokers.locks.push('lost')
    brokers.confirm = () =>
      brokers.confirmations < 2 ? Promise.resolve() : Promise.reject(new MemberStoppedError('g'))
    await expect(brokers.producer.proveContinuity()).rejects.toThrow(MemberStoppedError)
    expect(brokers.count('InitProducerId')).toBe(2)
  })

  it('shares one confirmation while the transaction before is still being ended', async () => {
    const brokers = new FakeBrokers()
    await brokers.producer.takeOver()
    for (let tries = 0; tries < 5; tries++) brokers.locks.push(CONCURRENT_TRANSACTIONS)
    await brokers.producer.proveContinuity()
    expect(brokers.count('InitProducerId')).toBe(7)
    expect(brokers.confirmations).toBeLessThan(4)
  })
})

describe('the lock', () => {
  it('of a partition just assigned is taken at once, and after a lost connection only by a confirmed member', async () => {
    const brokers = new FakeBrokers()
    brokers.locks.push('lost')
    const confirmed = Promise.withResolvers<unknown>()
    brokers.confirm = () => confirmed.promise
    const taken = brokers.producer.takeOver()
    await expect.poll(() => brokers.confirmations, { timeout: 10_000 }).toBe(1)
    await soon()
    expect(brokers.count('InitProducerId')).toBe(1)
    confirmed.resolve(true)
    await taken
    expect(brokers.count('InitProducerId')).toBe(2)
  })
})

describe('a group that has no offset', () => {
  it('says so twice, and shows each time that it knows the member', async () => {
    const brokers = new FakeBrokers()
    expect(await brokers.producer.committedOffset('in', 0)).toEqual({ offset: -1, metadata: '' })
    expect([brokers.count('OffsetFetch'), brokers.confirmations]).toEqual([2, 2])
  })

  it('is not believed while no node confirms the member: the coordinator that said so is resigning', async () => {
    const brokers = new FakeBrokers()
    const moved = Promise.withResolvers<unknown>()
    brokers.offsetOf = node => (node === 1 ? -1 : 42)
    brokers.confirm = () => moved.promise
    const fetched = brokers.producer.committedOffset('in', 0)
    await expect.poll(() => brokers.confirmations, { timeout: 10_000 }).toBe(1)
    // Another node has the group now; it is the one that confirms.
    brokers.coordinator = 2
    moved.resolve(true)
    expect((await fetched).offset).toBe(42)
  })

  it('is asked again where another node confirms the member than the one that said so', async () => {
    const brokers = new FakeBrokers()
    brokers.confirm = () => {
      brokers.coordinator = brokers.confirmations < 4 ? brokers.confirmations : 4
      return Promise.resolve(true)
    }
    brokers.offsetOf = () => -1
    await brokers.producer.committedOffset('in', 0)
    expect(brokers.confirmations).toBeGreaterThan(4)
  })
})
