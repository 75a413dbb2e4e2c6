import type { Cluster } from '../../kafka/cluster.ts'
import { listOffset } from '../../kafka/offsets.ts'
import { scanPartition } from '../../kafka/partitionScan.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import type { RecentRecords } from '../../processors/switcher/ports.ts'

/** Reads what stands just before a position, without a group. */
export function recentRecordsOf(cluster: Cluster): RecentRecords {
  return async ({ topic, partition }, { sinceMs, beforeOffset }, keep, signal) => {
    const fromOffset = await listOffset(cluster, topic, partition, { timestampMs: sinceMs }, signal)
    const records: RecordView[] = []
    const scan = scanPartition(cluster, { topic, partition, fromOffset, untilOffset: beforeOffset, keep, signal })
    for await (const found of scan) records.push(...found)
    return records
  }
}
