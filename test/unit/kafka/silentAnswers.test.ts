import { describe, expect, it } from 'vitest'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import { OutcomeUnknownError, ProtocolError } from '../../../src/kafka/errors.ts'
import type { Request } from '../../../src/kafka/request.ts'
import { describeGroup } from '../../../src/kafka/requests/describeGroup.ts'
import { leaveGroup } from '../../../src/kafka/requests/group.ts'
import { metadata } from '../../../src/kafka/requests/metadata.ts'
import { listOffsets, offsetCommit, offsetFetch } from '../../../src/kafka/requests/offsets.ts'
import {
  addPartitionsToTransaction,
  endTransaction,
  initProducerId,
  transactionalOffsetCommit,
} from '../../../src/kafka/requests/transactions.ts'
import { TransactionalProducer } from '../../../src/kafka/transaction.ts'
import { Reader, Writer } from '../../../src/kafka/wire.ts'

const IDENTITY = { producerId: 7n, epoch: 1 }
const MEMBERSHIP = { groupId: 'g', generation: 1, memberId: 'm', instanceId: null }
const OFFSET = { topic: 'in', partition: 3, offset: 42, metadata: 'cycle=1' }

/** Topics and partitions that an answer names, with what stands behind each partition. */
type Named = readonly (readonly [topic: string, partitions: readonly number[]])[]

/** What is asked is `in-3`: nothing, a topic without partitions, another partition, another topic. */
const SILENCES: readonly (readonly [string, Named])[] = [
  ['nothing', []],
  ['no partition', [['in', []]]],
  ['another partition', [['in', [2]]]],
  ['another topic', [['ix', [3]]]],
]
const TOLD: Named = [
  ['ix', [3]],
  ['in', [2, 3]],
]

function flexible(named: Named, write: (writer: Writer) => void): Writer {
  const body = new Writer().int32(0)
  body.compactArray(named, ([topic, partitions]) => {
    body.compactString(topic).compactArray(partitions, partition => {
      write(body.int32(partition))
      body.emptyTags()
    })
    body.emptyTags()
  })
  return body
}

function plain(named: Named, write: (writer: Writer) => void): Writer {
  const body = new Writer().int32(0)
  body.array(named, ([topic, partitions]) => {
    body.string(topic).array(partitions, partition => write(body.int32(partition)))
  })
  return body
}

function read<T>(request: Request<T>, answer: Writer, version = request.api.maxVersion): T {
  return request.decode(new Reader(answer.finish()), version)
}

interface Asked {
  readonly api: string
  readonly request: Request<object>
  readonly answer: (named: Named) => Writer
  /** What is read where the answer names it. */
  readonly said: object
}

const asked: readonly Asked[] = [
  {
    api: 'TxnOffsetCommit',
    request: transactionalOffsetCommit('v2', 'tx', IDENTITY, MEMBERSHIP, OFFSET),
    answer: named => flexible(named, body => body.int16(0)).emptyTags(),
    said: { errorCode: 0 },
  },
  {
    api: 'AddPartitionsToTxn',
    request: addPartitionsToTransaction('tx', IDENTITY, new Map([['in', [3]]])),
    answer: named => flexible(named, body => body.int16(0)).emptyTags(),
    said: { errorCode: 0 },
  },
  {
    api: 'OffsetFetch',
    request: offsetFetch('g', 'in', 3),
    answer: named =>
      flexible(named, body => body.int64(42).int32(-1).compactString('cycle=1').int16(0))
        .int16(0)
        .emptyTags(),
    said: { errorCode: 0, offset: 42, metadata: 'cycle=1' },
  },
  {
    api: 'ListOffsets',
    request: listOffsets('in', 3, -1, 'read_committed'),
    answer: named => plain(named, body => body.int16(0).int64(-1).int64(4_711)),
    said: { errorCode: 0, offset: 4_711 },
  },
  {
    api: 'OffsetCommit',
    request: offsetCommit('g', 'in', [0, 0, 0, 0]),
    answer: named => plain([...named, ['in', [0, 1, 2]]], body => body.int16(0)),
    said: { errorCode: 0 },
  },
]

describe.each(asked)('an answer to $api', ({ request, answer, said }) => {
  it.each(SILENCES)('that names %s is no answer', (_what, named) => {
    expect(() => read(request, answer(named))).toThrow(ProtocolError)
    expect(() => read(request, answer(named))).toThrow('does not name in-3')
  })

  it('says what it says of the partition that was asked about, whatever else it names', () => {
    expect(read(request, answer(TOLD))).toEqual(said)
  })
})

describe('an answer that announces partitions', () => {
  it('must name each of them', () => {
    const request = addPartitionsToTransaction('tx', IDENTITY, new Map([['in', [2, 3]]]))
    const answer = (partitions: readonly number[]) => flexible([['in', partitions]], body => body.int16(0)).emptyTags()
    expect(read(request, answer([3, 2]))).toEqual({ errorCode: 0 })
    expect(() => read(request, answer([3]))).toThrow('does not name in-2')
  })
})

describe('an answer with an error for all that was asked', () => {
  it('need not name the partition: OffsetFetch', () => {
    expect(
      read(
        offsetFetch('g', 'in', 3),
        flexible([], () => undefined)
          .int16(16)
          .emptyTags(),
      ),
    ).toMatchObject({
      errorCode: 16,
    })
  })
})

describe('an answer that says nothing else', () => {
  it('of a topic: Metadata, so that nobody takes it for one that does not exist', () => {
    const nobody = new Writer().int32(0).int32(0).string(null).int32(1).int32(0)
    expect(() => read(metadata(['in']), nobody)).toThrow('does not name in')
    expect(read(metadata([]), nobody)).toMatchObject({ topics: [] })
  })

  it('of a member: LeaveGroup', () => {
    const answer = (errorCode: number) => new Writer().int32(0).int16(errorCode).int32(0)
    expect(() => read(leaveGroup(MEMBERSHIP), answer(0))).toThrow(ProtocolError)
    expect(read(leaveGroup(MEMBERSHIP), answer(16))).toEqual({ errorCode: 16 })
  })

  it('of a group: DescribeGroups', () => {
    expect(() => read(describeGroup('g', 1), new Writer().int32(0).int32(0))).toThrow(ProtocolError)
  })

  it.each([
    [-1n, 1],
    [7n, -1],
  ])('of a producer, with the id %s and the epoch %i', (producerId, epoch) => {
    const answer = (errorCode: number) =>
      new Writer().int32(0).int16(errorCode).int64(producerId).int16(epoch).emptyTags()
    const init = initProducerId('tx', 1_000, IDENTITY)
    const end = endTransaction('v2', 'tx', IDENTITY, 'commit')
    expect(() => read(init, answer(0))).toThrow(ProtocolError)
    expect(() => read(end, answer(0))).toThrow(ProtocolError)
    expect([read(init, answer(16)).errorCode, read(end, answer(16)).errorCode]).toEqual([16, 16])
  })
})

describe('a commit whose offset the coordinator says nothing of', () => {
  it('is in doubt, and its transaction is not ended', async () => {
    const sent: string[] = []
    const answers: Readonly<Record<string, Writer>> = {
      InitProducerId: new Writer().int32(0).int16(0).int64(7n).int16(1).emptyTags(),
      TxnOffsetCommit: flexible([], () => undefined).emptyTags(),
      EndTxn: new Writer().int32(0).int16(0).int64(7n).int16(2).emptyTags(),
    }
    const cluster = {
      settings: { connection: { requestTimeoutMs: 30_000 } },
      coordinator: () => Promise.resolve(1),
      forgetCoordinator: () => undefined,
      transactionVersion: () => Promise.resolve(2),
      call: (_node: number, _lane: string, request: Request<unknown>) => {
        sent.push(request.api.name)
        return new Promise(resolve => resolve(read(request, answers[request.api.name]!)))
      },
    } as unknown as Cluster
    const member = { sessionTimeoutMs: 6_000, confirmed: () => Promise.resolve(performance.now()) }
    const producer = new TransactionalProducer(cluster, {
      ...{ transactionalId: 'tx', groupId: 'g', member, timeoutMs: 30_000 },
    })
    await producer.takeOver()
    await expect(producer.commit([], OFFSET, MEMBERSHIP)).rejects.toThrow(OutcomeUnknownError)
    expect(sent).toEqual(['InitProducerId', 'TxnOffsetCommit'])
  })
})
