import { ConfigError } from '../../config/errors.ts'
import type { Config } from '../../config/config.ts'
import type { Topology } from '../../engine/processor.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import { commitGroupOffsets, groupOffsets } from '../../kafka/groupOffsets.ts'
import { listOffset } from '../../kafka/offsets.ts'

/**
 * Where INGEST begins on the issuer's topics. The first time, `ingest.startAt` decides for all partitions at once, and the
 * offsets are committed before anything is read: neither a restart in the middle nor a partition added later can then
 * fall back to another point. Later every partition has an offset, and a new one begins at its start.
 *
 * @throws ConfigError where it is the first time and `ingest.startAt` is not set.
 */
export async function prepareIngestStart(cluster: Cluster, config: Config): Promise<Topology['startAt']> {
  const groupId = `${config.application.id}-ingest`
  for (const topic of [config.topics.cardLifecycle, config.topics.knotEvents]) {
    const count = await cluster.partitionCount(topic)
    const known = await groupOffsets(cluster, groupId, topic, count)
    if (known.some(offset => offset >= 0)) continue
    const { startAt } = config.ingest
    if (startAt === null) {
      throw new ConfigError([
        `ingest.startAt is required: the group ${groupId} has no offset for ${topic} yet, and neither years of old ` +
          'events nor a gap may come by default (earliest, latest or an ISO time)',
      ])
    }
    const offsets = await Promise.all(
      Array.from({ length: count }, (_, partition) => listOffset(cluster, topic, partition, startAt)),
    )
    await commitGroupOffsets(cluster, groupId, topic, offsets)
  }
  return () => 'earliest'
}
