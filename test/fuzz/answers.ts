import { batchOf, record } from '../unit/kafka/batches.ts'
import { encodeAssignment, encodeSubscription } from '../../src/kafka/consumerProtocol.ts'
import type { FieldWriter } from './sample.ts'

/** What brokers answer, request by request, in the versions that `src/kafka/requests` decodes: small, every field set. */

const partitions = [
  { topic: 'cards', partition: 0 },
  { topic: 'cards', partition: 1 },
  { topic: 'knot', partition: 2 },
]

export function alterConfigs(writer: FieldWriter): void {
  writer.int32(0).array([0, 40], code =>
    writer
      .int16(code)
      .string(code === 0 ? null : 'why')
      .int8(2)
      .string('cards'),
  )
}

export function apiVersions(writer: FieldWriter): void {
  writer.int16(0).compactArray([0, 1, 18, 26], key => writer.int16(key).int16(0).int16(12).emptyTags())
  const feature = (name: string, max: number) => writer.compactString(name).int16(max).int16(0).emptyTags()
  writer.int32(0).unsignedVarint(2)
  writer.unsignedVarint(1).unsignedVarint(8).int64(4)
  // Finalized features: one of 26 bytes.
  writer
    .unsignedVarint(2)
    .unsignedVarint(1 + 1 + 'transaction.version'.length + 5)
    .unsignedVarint(2)
  feature('transaction.version', 2)
}

export function apiVersionsError(writer: FieldWriter): void {
  writer.int16(35).int32(0)
}

export function fetch(writer: FieldWriter): void {
  const bytes = batchOf([record('a'), record('b')])
  writer
    .int32(0)
    .int16(0)
    .int32(0)
    .array(['cards', 'knot'], topic => {
      writer.string(topic).array([0, 1], partition => {
        writer.int32(partition).int16(0).int64(100).int64(99).int64(0)
        writer.array([7n, 8n], id => writer.int64(id).int64(3))
        writer.int32(-1).bytes(partition === 0 ? bytes : null)
      })
    })
}

export function fetchNothing(writer: FieldWriter): void {
  writer
    .int32(0)
    .int16(0)
    .int32(0)
    .array(['cards'], topic => {
      writer.string(topic).array([0], partition => writer.int32(partition).int16(1).int64(-1).int64(-1).int64(-1))
      writer.int32(-1).int32(-1).bytes(Buffer.alloc(0))
    })
}

export function findCoordinator(writer: FieldWriter): void {
  writer.int32(0).int16(0).string('NONE').int32(2).string('broker-2.example').int32(9092)
}

export function joinGroup(writer: FieldWriter): void {
  const subscription = encodeSubscription({ topics: ['cards'], owned: partitions, warm: [], generation: 3 }, 1)
  writer.int32(0).int16(0).int32(4).string('onfile').string('m-1').string('m-2')
  writer.array(['m-1', 'm-2'], id => {
    writer
      .string(id)
      .string(id === 'm-1' ? null : 'instance')
      .bytes(subscription)
  })
}

export function syncGroup(writer: FieldWriter): void {
  writer.int32(0).int16(0).bytes(encodeAssignment(partitions))
}

export function errorAfterThrottle(writer: FieldWriter): void {
  writer.int32(0).int16(27)
}

export function leaveGroup(writer: FieldWriter): void {
  writer
    .int32(0)
    .int16(0)
    .array(['m-1'], id => writer.string(id).string('instance').int16(0))
}

export function describeGroup(writer: FieldWriter): void {
  const subscription = encodeSubscription({ topics: ['cards'], owned: partitions, warm: [], generation: 3 }, 1)
  writer.int32(0).array(['g'], group => {
    writer.int16(0).string(group).string('Stable').string('consumer').string('onfile')
    writer.array(['m-1', 'm-2'], id => {
      writer
        .string(id)
        .string(id === 'm-1' ? null : 'instance')
        .string('onfile')
        .string('/10.0.0.7')
      writer.bytes(subscription).bytes(encodeAssignment(partitions))
    })
    writer.int32(-2_147_483_648)
  })
}

export function metadata(writer: FieldWriter): void {
  writer.int32(0).array([1, 2], node => writer.int32(node).string('broker.example').int32(9092).string('rack'))
  writer
    .string('cluster')
    .int32(1)
    .array(['cards', 'knot'], topic => {
      writer
        .int16(0)
        .string(topic)
        .boolean(false)
        .array([0, 1], partition => {
          writer.int16(0).int32(partition).int32(1).int32(9)
          for (let list = 0; list < 3; list++) writer.array([1, 2], node => writer.int32(node))
        })
    })
}

export function topicRights(writer: FieldWriter): void {
  writer.int32(0).array([1, 2], node => writer.int32(node).string('broker.example').int32(9092).string('rack'))
  writer
    .string('cluster')
    .int32(1)
    .array(['cards', 'knot'], topic => {
      writer
        .int16(0)
        .string(topic)
        .boolean(false)
        .array([0, 1], partition => {
          writer.int16(0).int32(partition).int32(1).int32(9)
          for (let list = 0; list < 3; list++) writer.array([1, 2], node => writer.int32(node))
        })
        .int32(264)
    })
    .int32(-(2 ** 31))
}

export function listOffsets(writer: FieldWriter): void {
  writer.int32(0).array(['cards'], topic => {
    writer.string(topic).array([0], partition => writer.int32(partition).int16(0).int64(-1).int64(4711))
  })
}

export function offsetFetch(writer: FieldWriter): void {
  writer.int32(0).compactArray(['cards'], topic => {
    writer.compactString(topic).compactArray([0], partition => {
      writer.int32(partition).int64(42).int32(-1).compactString('cycle=7').int16(0).emptyTags()
    })
    writer.emptyTags()
  })
  writer.int16(0).emptyTags()
}

export function offsetCommit(writer: FieldWriter): void {
  writer.int32(0).array(['cards'], topic => {
    writer.string(topic).array([0, 1], partition => writer.int32(partition).int16(partition))
  })
}

export function produce(writer: FieldWriter): void {
  produced(writer, 0, null, [])
}

export function produceErrors(writer: FieldWriter): void {
  produced(writer, 87, 'one is wrong', [0, 3])
}

function produced(writer: FieldWriter, code: number, message: string | null, records: readonly number[]): void {
  writer.compactArray(['cards', 'knot'], topic => {
    writer.compactString(topic).compactArray([0, 1], partition => {
      writer.int32(partition).int16(code).int64(1_000).int64(-1).int64(0)
      writer.compactArray(records, index => writer.int32(index).compactString('bad').emptyTags())
      writer.compactString(message).emptyTags()
    })
    writer.emptyTags()
  })
  writer.int32(0).emptyTags()
}

export function initProducerId(writer: FieldWriter): void {
  writer.int32(0).int16(0).int64(4_000).int16(2).emptyTags()
}

export function addPartitions(writer: FieldWriter): void {
  writer.int32(0)
  committedByTopic(writer)
}

export function flexibleError(writer: FieldWriter): void {
  writer.int32(0).int16(48).emptyTags()
}

export function transactionalOffsetCommit(writer: FieldWriter): void {
  writer.int32(0)
  committedByTopic(writer)
}

function committedByTopic(writer: FieldWriter): void {
  writer.compactArray(['cards', 'knot'], topic => {
    writer.compactString(topic).compactArray([0, 55], code => writer.int32(1).int16(code).emptyTags())
    writer.emptyTags()
  })
  writer.emptyTags()
}

export function endTransaction(writer: FieldWriter, version: number): void {
  writer.int32(0).int16(0)
  if (version >= 5) writer.int64(4_000).int16(3)
  writer.emptyTags()
}
