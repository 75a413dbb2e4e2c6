import { describe, expect, it } from 'vitest'
import type { Request } from '../../../src/kafka/request.ts'
import { fetchRecords } from '../../../src/kafka/requests/fetch.ts'
import { offsetFetch } from '../../../src/kafka/requests/offsets.ts'
import { produce } from '../../../src/kafka/requests/produce.ts'
import {
  addOffsetsToTransaction,
  addPartitionsToTransaction,
  endTransaction,
  transactionalOffsetCommit,
} from '../../../src/kafka/requests/transactions.ts'
import { Reader, Writer } from '../../../src/kafka/wire.ts'
import { API } from '../../support/kafkaApis.ts'
import type { ApiName } from '../../support/kafkaApis.ts'
import { refusalOf, writeErrors } from '../../support/kafkaErrors.ts'

const IDENTITY = { producerId: 7n, epoch: 1 }
const MEMBERSHIP = { groupId: 'g', generation: 1, memberId: 'm', instanceId: null }
const OFFSET = { topic: 'in', partition: 3, offset: 42, metadata: 'cycle=1 changelog=2' }
const BATCHES = [3, 4].map(partition => ({ topic: 'out', partition, batch: Buffer.alloc(300, 'x') }))

/** As the proxy sees it: from the api key on. */
function frameOf(api: ApiName, version: number, request: Request<unknown>): Buffer {
  const head = new Writer().int16(API[api]).int16(version).int32(99).string('client').emptyTags()
  return Buffer.concat([head.finish(), ...request.encode(version)])
}

/** Behind length, correlation id and tagged fields. */
function read<T>(request: Request<T>, version: number, answer: Buffer): T {
  const reader = new Reader(answer, 4)
  expect(reader.int32()).toBe(99)
  reader.tags()
  const decoded = request.decode(reader, version)
  return decoded
}

const requests: readonly [ApiName, number, Request<unknown>, (errorCode: number) => object][] = [
  [
    'Produce',
    11,
    produce('v1', 't', BATCHES, 1_000),
    errorCode => [
      { partition: 3, errorCode },
      { partition: 4, errorCode },
    ],
  ],
  [
    'Produce',
    12,
    produce('v2', 't', BATCHES, 1_000),
    errorCode => [
      { partition: 3, errorCode },
      { partition: 4, errorCode },
    ],
  ],
  [
    'AddPartitionsToTxn',
    3,
    addPartitionsToTransaction('t', IDENTITY, new Map([['out', [3, 4]]])),
    errorCode => ({ errorCode }),
  ],
  ['AddOffsetsToTxn', 3, addOffsetsToTransaction('t', IDENTITY, 'g'), errorCode => ({ errorCode })],
  [
    'TxnOffsetCommit',
    3,
    transactionalOffsetCommit('v1', 't', IDENTITY, MEMBERSHIP, OFFSET),
    errorCode => ({ errorCode }),
  ],
  [
    'TxnOffsetCommit',
    5,
    transactionalOffsetCommit('v2', 't', IDENTITY, MEMBERSHIP, OFFSET),
    errorCode => ({ errorCode }),
  ],
  ['EndTxn', 3, endTransaction('v1', 't', IDENTITY, 'commit'), errorCode => ({ errorCode })],
  ['EndTxn', 5, endTransaction('v2', 't', IDENTITY, 'commit'), errorCode => ({ errorCode })],
]

describe('an answer in the place of a broker', () => {
  it.each(requests)('to %s %i is read as what it is, and takes another code', (api, version, request, expected) => {
    const answer = refusalOf(api, frameOf(api, version, request), 51).finish()
    expect(read(request, version, answer)).toMatchObject(expected(51))
    writeErrors(api, answer, 9_999)
    expect(read(request, version, answer)).toMatchObject(expected(9_999))
  })
})

describe('an answer that says a code for all that was asked', () => {
  it('takes another one there: Fetch', () => {
    const request = fetchRecords([], { isolation: 'read_committed', maxWaitMs: 0, minBytes: 0, maxBytes: 0 })
    // Length, correlation id, throttle time, code, session, no topics.
    const answer = new Writer().int32(0).int32(99).int32(0).int16(0).int32(0).int32(0).finish()
    writeErrors('Fetch', answer, 9_999, true)
    expect(request.decode(new Reader(answer, 8), 11)).toEqual({ errorCode: 9_999, partitions: [] })
  })

  it('takes another one there: OffsetFetch', () => {
    const answer = new Writer().int32(0).int32(99).emptyTags().int32(0)
    answer.compactArray(['in'], topic => {
      answer.compactString(topic).compactArray([3], partition => {
        answer.int32(partition).int64(42).int32(-1).compactString('cycle=1').int16(0).emptyTags()
      })
      answer.emptyTags()
    })
    const bytes = answer.int16(0).emptyTags().finish()
    writeErrors('OffsetFetch', bytes, 9_999, true)
    expect(read(offsetFetch('g', 'in', 3), 7, bytes)).toMatchObject({ errorCode: 9_999 })
  })
})
