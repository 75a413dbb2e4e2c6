import { ProtocolError } from '../../src/kafka/errors.ts'
import type { Request } from '../../src/kafka/request.ts'
import { setTopicConfig } from '../../src/kafka/requests/alterConfigs.ts'
import { apiVersions } from '../../src/kafka/requests/apiVersions.ts'
import { describeGroup } from '../../src/kafka/requests/describeGroup.ts'
import { fetchRecords } from '../../src/kafka/requests/fetch.ts'
import { findCoordinator } from '../../src/kafka/requests/findCoordinator.ts'
import { heartbeat, joinGroup, leaveGroup, syncGroup } from '../../src/kafka/requests/group.ts'
import { metadata } from '../../src/kafka/requests/metadata.ts'
import { listOffsets, offsetCommit, offsetFetch } from '../../src/kafka/requests/offsets.ts'
import { produce } from '../../src/kafka/requests/produce.ts'
import { topicRights } from '../../src/kafka/requests/topicRights.ts'
import {
  addOffsetsToTransaction,
  addPartitionsToTransaction,
  endTransaction,
  initProducerId,
  transactionalOffsetCommit,
} from '../../src/kafka/requests/transactions.ts'
import { Reader } from '../../src/kafka/wire.ts'
import * as answers from './answers.ts'
import { FieldWriter } from './sample.ts'
import type { Sample } from './sample.ts'
import type { Target } from './target.ts'

/** A decoder of `src/kafka/requests`: its exported name, its request in each protocol, and what a broker answers. */
export interface ResponseDecoder {
  readonly name: string
  readonly requests: readonly Request<unknown>[]
  /** Writes answers as a broker would, after the response header. */
  readonly answers: readonly ((writer: FieldWriter, version: number) => unknown)[]
}

const member = { groupId: 'g', generation: 3, memberId: 'm-1', instanceId: 'i' }
const producer = { producerId: 7n, epoch: 1 }
const offset = { topic: 'cards', partition: 1, offset: 5, metadata: '' }
const join = {
  identity: member,
  sessionTimeoutMs: 1,
  rebalanceTimeoutMs: 1,
  protocolName: 'p',
  subscription: Buffer.alloc(0),
  timeoutMs: 1,
}
const fetchOptions = { isolation: 'read_committed', maxWaitMs: 1, minBytes: 1, maxBytes: 1 } as const

/** All of them: a test fails where one is exported and not here. */
export const RESPONSE_DECODERS: readonly ResponseDecoder[] = [
  { name: 'setTopicConfig', requests: [setTopicConfig('t', {})], answers: [answers.alterConfigs] },
  { name: 'apiVersions', requests: [apiVersions('c', '1')], answers: [answers.apiVersions, answers.apiVersionsError] },
  {
    name: 'fetchRecords',
    requests: [fetchRecords([], fetchOptions)],
    answers: [answers.fetch, answers.fetchNothing],
  },
  { name: 'findCoordinator', requests: [findCoordinator('group', 'g')], answers: [answers.findCoordinator] },
  { name: 'joinGroup', requests: [joinGroup(join)], answers: [answers.joinGroup] },
  { name: 'syncGroup', requests: [syncGroup(member, new Map(), 1)], answers: [answers.syncGroup] },
  { name: 'heartbeat', requests: [heartbeat(member, 1)], answers: [answers.errorAfterThrottle] },
  { name: 'leaveGroup', requests: [leaveGroup(member)], answers: [answers.leaveGroup] },
  { name: 'describeGroup', requests: [describeGroup('g', 1)], answers: [answers.describeGroup] },
  { name: 'metadata', requests: [metadata(['cards'])], answers: [answers.metadata] },
  { name: 'topicRights', requests: [topicRights(['t'])], answers: [answers.topicRights] },
  { name: 'listOffsets', requests: [listOffsets('cards', 0, -1, 'read_committed')], answers: [answers.listOffsets] },
  { name: 'offsetFetch', requests: [offsetFetch('g', 'cards', 0)], answers: [answers.offsetFetch] },
  { name: 'offsetCommit', requests: [offsetCommit('g', 'cards', [1])], answers: [answers.offsetCommit] },
  {
    name: 'produce',
    requests: [produce('v1', 'x', [], 1), produce('v2', 'x', [], 1)],
    answers: [answers.produce, answers.produceErrors],
  },
  { name: 'initProducerId', requests: [initProducerId('x', 1, producer)], answers: [answers.initProducerId] },
  {
    name: 'addPartitionsToTransaction',
    requests: [addPartitionsToTransaction('x', producer, new Map([['cards', [1]]]))],
    answers: [answers.addPartitions],
  },
  {
    name: 'addOffsetsToTransaction',
    requests: [addOffsetsToTransaction('x', producer, 'g')],
    answers: [answers.flexibleError],
  },
  {
    name: 'transactionalOffsetCommit',
    requests: [
      transactionalOffsetCommit('v1', 'x', producer, member, offset),
      transactionalOffsetCommit('v2', 'x', producer, member, offset),
    ],
    answers: [answers.transactionalOffsetCommit],
  },
  {
    name: 'endTransaction',
    requests: [endTransaction('v1', 'x', producer, 'commit'), endTransaction('v2', 'x', producer, 'abort')],
    answers: [answers.endTransaction],
  },
]

/** The versions in which a request may be sent. */
export function versionsOf({ api, minVersion, maxVersion }: Request<unknown>): readonly number[] {
  const first = minVersion ?? api.minVersion
  const last = Math.min(maxVersion ?? api.maxVersion, api.maxVersion)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** One target per decoder and version. */
export function responseTargets(): readonly Target[] {
  return RESPONSE_DECODERS.flatMap(({ name, requests, answers: writers }) =>
    requests.flatMap(request =>
      versionsOf(request).map(version => ({
        name: `${name} v${version}`,
        samples: writers.map(write => answerOf(request, version, write)),
        decode: (bytes: Buffer) => decodeAnswer(request, version, bytes),
        isTyped: (error: unknown) => error instanceof ProtocolError,
      })),
    ),
  )
}

/** As `Broker` does: behind the correlation id, tagged fields first where the version has them. */
export function decodeAnswer(request: Request<unknown>, version: number, bytes: Buffer): Reader {
  const reader = new Reader(bytes)
  if (hasTags(request, version)) reader.tags()
  request.decode(reader, version)
  return reader
}

function answerOf(request: Request<unknown>, version: number, write: ResponseDecoder['answers'][number]): Sample {
  const writer = new FieldWriter()
  if (hasTags(request, version)) writer.unsignedVarint(1).unsignedVarint(0).unsignedVarint(2).int16(5)
  write(writer, version)
  return writer.sample()
}

const API_VERSIONS_KEY = 18

function hasTags({ api }: Request<unknown>, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== API_VERSIONS_KEY
}
