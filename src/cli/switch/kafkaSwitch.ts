import type { Config } from '../../config/config.ts'
import type { SourcePosition } from '../../domain/records.ts'
import { Cluster } from '../../kafka/cluster.ts'
import { partitionForKey } from '../../kafka/partitioner.ts'
import { writeSingleRecord } from '../../kafka/singleRecord.ts'
import { PUSHES_KEY, switchValue } from '../../processors/control.ts'
import type { SwitchOrder } from '../../processors/control.ts'
import { rawEncoder } from '../../processors/deadLetter.ts'
import { kafkaOptionsOf } from '../kafkaOptions.ts'
import { partitionsOf } from '../order/topicMissing.ts'

/** A one-shot command asks one broker at a time: a dead one must leave time for the others. */
const REQUEST_TIMEOUT_MS = 10_000
const CONNECTION_TIMEOUT_MS = 5_000

/**
 * Writes the switch to the control topic of a real cluster, acknowledged by all in-sync replicas. It needs Kafka alone: in
 * an emergency the registry may be what is down.
 * @throws TopicMissingError
 */
export async function writeKafkaSwitch(
  config: Config,
  order: SwitchOrder,
  signal: AbortSignal,
): Promise<SourcePosition> {
  const topic = config.topics.control
  const cluster = await Cluster.connect({
    ...kafkaOptionsOf(config),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
  })
  try {
    signal.throwIfAborted()
    const key = Buffer.from(PUSHES_KEY, 'utf8')
    const partition = partitionForKey(key, await partitionsOf(cluster, topic))
    const record = { topic, partition, key, value: switchValue(order), encoder: rawEncoder, timestampMs: order.atMs }
    return { topic, partition, offset: await writeSingleRecord(cluster, record, signal), event_id: null }
  } finally {
    await cluster.close()
  }
}
