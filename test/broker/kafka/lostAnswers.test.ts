import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import { OutcomeUnknownError, RequestTimedOutError } from '../../../src/kafka/errors.ts'
import type { GroupMember } from '../../../src/kafka/groupMember.ts'
import { TransactionalProducer } from '../../../src/kafka/transaction.ts'
import type { OutputBatch } from '../../../src/kafka/transaction.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { ApiName, Fault } from '../../support/kafkaProxy.ts'
import { Bench, output, unique } from './bench.ts'

const brokers = inject('brokers')
let bench: Bench
let proxy: KafkaProxy
let throughProxy: Cluster
let input: string
let groupId: string
let member: GroupMember

beforeEach(async () => {
  bench = await Bench.open(brokers)
  proxy = await KafkaProxy.start(brokers)
  throughProxy = await bench.client(proxy.brokers, 1_500)
  input = await bench.topic(1)
  groupId = unique('g')
  member = await bench.member(groupId, input)
})
afterEach(async () => {
  await bench[Symbol.asyncDispose]()
  await proxy.stop()
})

describe.each(['v1', 'v2'] as const)('in protocol %s', { retry: 0 }, protocol => {
  let producer: TransactionalProducer

  beforeEach(async () => {
    producer = new TransactionalProducer(throughProxy, {
      transactionalId: unique('tx'),
      groupId,
      member,
      timeoutMs: 30_000,
      ...(protocol === 'v1' ? { forceProtocol: 'v1' as const } : {}),
    })
    await producer.takeOver()
  })

  const commit = (rounds: readonly (readonly OutputBatch[])[], offset: number) =>
    producer.commit(rounds, { topic: input, partition: 0, offset, metadata: `cycle=${offset}` }, member.membership)

  /** The engine's reconcile: R1, R2, and the same records again where they did not get through. */
  const settle = async (
    rounds: readonly (readonly OutputBatch[])[],
    offset: number,
  ): Promise<'found' | 'sent-again'> => {
    for (;;) {
      await producer.proveContinuity()
      const found = await producer.committedOffset(input, 0)
      if (found.metadata === `cycle=${offset}`) return 'found'
      try {
        await commit(rounds, offset)
        return 'sent-again'
      } catch (error) {
        if (!(error instanceof OutcomeUnknownError)) throw error
      }
    }
  }

  const own: readonly ApiName[] = protocol === 'v1' ? ['AddPartitionsToTxn', 'AddOffsetsToTxn'] : []
  const apis = ['Produce', 'TxnOffsetCommit', 'EndTxn', ...own] as const
  const cases = apis.flatMap(api => [
    { api, on: 'request', action: 'cut' } as const,
    { api, on: 'response', action: 'cut' } as const,
    { api, on: 'response', action: 'swallow' } as const,
  ])

  it.each(cases)('a $api $on that is lost ($action) leaves a doubt that is resolved exactly once', async fault => {
    const topic = await bench.topic(1)
    await commit([[output(topic, 0, 'before')]], 1)
    proxy.lose({ ...fault, times: 1 })
    const rounds = [[output(topic, 0, 'a', 'b')], [output(topic, 0, 'c')]]
    const failure = await commit(rounds, 2).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(OutcomeUnknownError)
    if (fault.action === 'swallow') expect((failure as OutcomeUnknownError).cause).toBeInstanceOf(RequestTimedOutError)
    const committed = fault.api === 'EndTxn' && fault.on === 'response'
    expect(await settle(rounds, 2)).toBe(committed ? 'found' : 'sent-again')
    await commit([[output(topic, 0, 'after')]], 3)
    expect(await bench.read(topic)).toEqual(['before', 'a', 'b', 'c', 'after'])
    expect(proxy.hits).toEqual([`${fault.api} ${fault.on}`])
  })

  it('fifty commits through a network that loses one frame in ten are each there once, in order', async () => {
    const topic = await bench.topic(2)
    for (const api of [...apis, 'InitProducerId', 'OffsetFetch'] as const) {
      for (const on of ['request', 'response'] as const) {
        const fault: Fault = { api, on, action: 'cut', probability: 0.1 }
        proxy.lose(fault)
      }
    }
    const expected: string[] = []
    const outcomes = { committed: 0, found: 0, 'sent-again': 0 }
    for (let number = 1; number <= 50; number++) {
      const rounds = [[output(topic, 0, `${number}`), output(topic, 1, `${number}`)]]
      expected.push(`${number}`)
      try {
        await commit(rounds, number)
        outcomes.committed++
      } catch (error) {
        if (!(error instanceof OutcomeUnknownError)) throw error
        outcomes[await settle(rounds, number)]++
      }
    }
    expect(await bench.read(topic, 0)).toEqual(expected)
    expect(await bench.read(topic, 1)).toEqual(expected)
    expect(outcomes['sent-again']).toBeGreaterThan(0)
    expect(proxy.hits.length).toBeGreaterThan(5)
  })
})

it('the lock is taken through lost answers and a network that is away for a while', async () => {
  const producer = new TransactionalProducer(throughProxy, {
    transactionalId: unique('tx'),
    groupId,
    member,
    timeoutMs: 30_000,
  })
  proxy.lose({ api: 'InitProducerId', on: 'response', action: 'cut', times: 2 })
  await producer.takeOver()
  expect(proxy.hits).toHaveLength(2)
  proxy.partition()
  const waiting = producer.proveContinuity(AbortSignal.timeout(20_000))
  await new Promise(resolve => setTimeout(resolve, 300))
  expect(producer.lastError?.message).toContain('Kafka broker')
  proxy.heal()
  await waiting
  expect(producer.lastError).toBeUndefined()
})
