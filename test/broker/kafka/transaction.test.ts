import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import type { Compression } from '../../../src/kafka/compression.ts'
import { FencedError, OutcomeUnknownError, ProducerStateError } from '../../../src/kafka/errors.ts'
import type { KafkaError } from '../../../src/kafka/errors.ts'
import type { GroupMember } from '../../../src/kafka/groupMember.ts'
import { listOffset } from '../../../src/kafka/offsets.ts'
import { BatchBuilder } from '../../../src/kafka/recordBatch.ts'
import { TransactionalProducer } from '../../../src/kafka/transaction.ts'
import { readCommitted } from '../../support/readCommitted.ts'
import { batchOf, Bench, output, textEncoder, unique } from './bench.ts'

const brokers = inject('brokers')
let bench: Bench
let input: string
let groupId: string
let member: GroupMember

beforeEach(async () => {
  bench = await Bench.open(brokers)
  input = await bench.topic(2)
  groupId = unique('g')
  member = await bench.member(groupId, input)
})
afterEach(async () => {
  await bench[Symbol.asyncDispose]()
})

const at = (offset: number, metadata = '') => ({ topic: input, partition: 0, offset, metadata })

describe.each(['v1', 'v2'] as const)('transactions in protocol %s', { retry: 0 }, protocol => {
  const producerOf = (transactionalId: string, cluster: Cluster = bench.cluster, compression: Compression = 'none') =>
    new TransactionalProducer(cluster, {
      transactionalId,
      groupId,
      member,
      timeoutMs: 30_000,
      compression,
      ...(protocol === 'v1' ? { forceProtocol: 'v1' as const } : {}),
    })

  it('show a read_committed reader all of a commit at its end and nothing before', async () => {
    const topic = await bench.topic(2)
    const producer = producerOf(unique('tx'))
    await producer.takeOver()
    expect(producer.protocol).toBe(protocol)
    const before: string[][] = []
    const look = async () => void before.push(await bench.readNow(topic, 0), await bench.readNow(topic, 1))
    const rounds = [[output(topic, 0, 'a', 'b'), output(topic, 1, 'c')], [output(topic, 0, 'd')]]
    const next = await producer.commit(rounds, at(7, 'cycle=1'), member.membership, look)
    expect(before).toEqual([[], [], [], []])
    expect([await bench.read(topic, 0), await bench.read(topic, 1)]).toEqual([['a', 'b', 'd'], ['c']])
    expect(next).toEqual(
      new Map([
        [`${topic}/0`, 3],
        [`${topic}/1`, 1],
      ]),
    )
    expect(await producer.committedOffset(input, 0)).toEqual({ offset: 7, metadata: 'cycle=1' })
    expect(await producer.committedOffset(input, 1)).toEqual({ offset: -1, metadata: '' })
  })

  it('follow each other with the sequence and epoch that the protocol wants', async () => {
    const topic = await bench.topic(1)
    const producer = producerOf(unique('tx'))
    await producer.takeOver()
    const first = producer.epoch
    const expected: string[] = []
    for (let index = 0; index < 5; index++) {
      expected.push(`${index}`)
      await producer.commit([[output(topic, 0, `${index}`)]], at(index), member.membership)
    }
    expect(await bench.read(topic)).toEqual(expected)
    expect(producer.epoch - first).toBe(protocol === 'v2' ? 5 : 0)
  })

  it('commit an offset alone, without any output', async () => {
    const producer = producerOf(unique('tx'))
    await producer.takeOver()
    await producer.commit([], at(3), member.membership)
    await producer.commit([[{ topic: input, partition: 1, batch: batchOf() }]], at(4), member.membership)
    expect((await producer.committedOffset(input, 0)).offset).toBe(4)
  })

  it('of an older producer fail once a newer one has taken over, and it learns that it was fenced', async () => {
    const topic = await bench.topic(1)
    const id = unique('tx')
    const older = producerOf(id)
    await older.takeOver()
    await older.commit([[output(topic, 0, 'older')]], at(1), member.membership)
    const newer = producerOf(id, await bench.client(brokers))
    await newer.takeOver()
    const failure = await older
      .commit([[output(topic, 0, 'zombie')]], at(2), member.membership)
      .catch((e: unknown) => e)
    expect(failure).toBeInstanceOf(OutcomeUnknownError)
    await expect(older.proveContinuity()).rejects.toThrow(FencedError)
    await newer.commit([[output(topic, 0, 'newer')]], at(2), member.membership)
    expect(await bench.read(topic)).toEqual(['older', 'newer'])
  })

  it('that were left open are aborted by the next owner, who then sees the offset before them', async () => {
    const topic = await bench.topic(1)
    const id = unique('tx')
    const dying = producerOf(id)
    await dying.takeOver()
    await dying.commit([[output(topic, 0, 'kept')]], at(1), member.membership)
    const died = dying.commit([[output(topic, 0, 'lost')]], at(2), member.membership, step => {
      if (step === 'offset-committed') throw new Error('killed')
    })
    await expect(died).rejects.toThrow('killed')
    const next = producerOf(id, await bench.client(brokers))
    await next.takeOver()
    expect((await next.committedOffset(input, 0)).offset).toBe(1)
    expect(await bench.read(topic)).toEqual(['kept'])
    expect(await bench.readNow(topic, 0, 'read_uncommitted')).toEqual(['kept', 'lost'])
  })

  it('keep a reader of the committed offset waiting while they are open', async () => {
    const producer = producerOf(unique('tx'))
    const reader = producerOf(unique('tx'), await bench.client(brokers))
    await producer.takeOver()
    let answered = false
    let reading: Promise<{ offset: number }> | undefined
    await producer.commit([], at(5), member.membership, async step => {
      if (step !== 'offset-committed') return
      reading = reader.committedOffset(input, 0).finally(() => {
        answered = true
      })
      await new Promise(resolve => setTimeout(resolve, 300))
      expect(answered).toBe(false)
      expect((reader.lastError as KafkaError).code).toBe('KAFKA_UNSTABLE_OFFSET_COMMIT')
    })
    expect((await reading!).offset).toBe(5)
    expect(reader.lastError).toBeUndefined()
  })

  it('under an old generation are refused by the group, and go through again under the current one', async () => {
    const topic = await bench.topic(1)
    const producer = producerOf(unique('tx'))
    await producer.takeOver()
    const stale = { ...member.membership, generation: member.membership.generation + 3 }
    const outputs = [[output(topic, 0, 'once')]]
    const failure = (await producer.commit(outputs, at(1), stale).catch((e: unknown) => e)) as OutcomeUnknownError
    expect([failure.code, failure.step]).toEqual(['KAFKA_OUTCOME_UNKNOWN', 'commit-offset'])
    expect((failure.cause as KafkaError).errorCode).toBe(22)
    await producer.proveContinuity()
    await producer.commit(outputs, at(1), member.membership)
    expect(await bench.read(topic)).toEqual(['once'])
  })

  it.each([
    ['a member that the group does not know', { memberId: 'nobody' }, 25],
    ['no member at all, which the group would not check', { generation: -1, memberId: '' }, 25],
  ])('of %s are refused', async (_who, change, errorCode) => {
    const producer = producerOf(unique('tx'))
    await producer.takeOver()
    const failure = await producer.commit([], at(1), { ...member.membership, ...change }).catch((e: unknown) => e)
    expect(((failure as OutcomeUnknownError).cause as KafkaError).errorCode).toBe(errorCode)
    await producer.proveContinuity()
    expect((await producer.committedOffset(input, 0)).offset).toBe(-1)
  })

  it('cannot be begun before the lock is taken or while one is in doubt', async () => {
    const producer = producerOf(unique('tx'))
    await expect(producer.commit([], at(1), member.membership)).rejects.toThrow(ProducerStateError)
    await expect(producer.proveContinuity()).rejects.toThrow(ProducerStateError)
    await producer.takeOver()
    await producer.commit([], at(1), { ...member.membership, memberId: 'nobody' }).catch(() => undefined)
    await expect(producer.commit([], at(1), member.membership)).rejects.toThrow('while it is in-doubt')
  })

  it('are in doubt where the broker refuses a record for good, and name the limit', async () => {
    const topic = await bench.topic(1, { 'max.message.bytes': '1000' })
    const producer = producerOf(unique('tx'))
    await producer.takeOver()
    const large = [[output(topic, 0, 'x'.repeat(5_000))]]
    const failure = (await producer.commit(large, at(1), member.membership).catch((e: unknown) => e)) as Error
    expect(failure.message).toContain(`Produce for ${topic}-0 was answered MESSAGE_TOO_LARGE`)
    expect(failure.message).toContain('max.message.bytes')
  })

  it('are in doubt where the clock is ahead of what the broker takes, and say whose clock it is', async () => {
    const topic = await bench.topic(1, { 'message.timestamp.after.max.ms': '60000' })
    const producer = producerOf(unique('tx'))
    await producer.takeOver()
    const batch = new BatchBuilder(64)
    batch.append(Date.now() + 3_600_000, null, 'late', textEncoder)
    const ahead = producer.commit([[{ topic, partition: 0, batch }]], at(1), member.membership)
    const failure = (await ahead.catch((e: unknown) => e)) as OutcomeUnknownError
    expect(failure.cause).toMatchObject({ code: 'KAFKA_INVALID_TIMESTAMP' })
    expect(failure.message).toContain('the operator must set the clock of this host')
  })

  it('stop waiting for the lock when told to', async () => {
    const producer = producerOf(unique('tx'))
    await expect(producer.takeOver(AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up')
  })
})

it('compressed batches are read alike by Java and by us', async () => {
  const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  const topic = await bench.topic(1)
  const expected: string[] = []
  for (const [index, compression] of codecs.entries()) {
    const producer = new TransactionalProducer(bench.cluster, {
      transactionalId: unique('tx'),
      groupId,
      member,
      timeoutMs: 30_000,
      compression,
    })
    await producer.takeOver()
    const values = Array.from({ length: 3_000 }, (_, number) => `${compression} ${number} of a value that repeats`)
    expected.push(...values)
    await producer.commit([[output(topic, 0, ...values)]], at(index), member.membership)
  }
  expect(await bench.read(topic)).toEqual(expected)
  const seenByJava = await readCommitted(brokers, [topic])
  expect(seenByJava.map(({ value }) => value?.toString())).toEqual(expected)
})

it('offsets of a log are found by end and by time', async () => {
  const topic = await bench.topic(1)
  expect(await listOffset(bench.cluster, topic, 0, 'earliest')).toBe(0)
  expect(await listOffset(bench.cluster, topic, 0, 'latest')).toBe(0)
  const producer = new TransactionalProducer(bench.cluster, {
    transactionalId: unique('tx'),
    groupId,
    member,
    timeoutMs: 30_000,
  })
  await producer.takeOver()
  const batch = batchOf()
  const encoder = { encode: (_value: string, _buffer: Buffer, position: number) => position }
  for (const timestampMs of [1_000, 2_000, 3_000]) batch.append(timestampMs, null, '', encoder)
  await producer.commit([[{ topic, partition: 0, batch }]], at(1), member.membership, async step => {
    if (step !== 'produced') return
    expect(await listOffset(bench.cluster, topic, 0, 'lastStable')).toBe(0)
    expect(await listOffset(bench.cluster, topic, 0, 'latest')).toBe(3)
  })
  // Three records and their marker.
  await expect.poll(() => listOffset(bench.cluster, topic, 0, 'lastStable')).toBe(4)
  expect(await listOffset(bench.cluster, topic, 0, { timestampMs: 1_500 })).toBe(1)
  expect(await listOffset(bench.cluster, topic, 0, { timestampMs: Date.now() + 60_000 })).toBe(4)
  await expect(listOffset(bench.cluster, unique('absent'), 0, 'latest')).rejects.toThrow('does not exist')
})
