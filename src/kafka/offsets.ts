import type { Cluster } from './cluster.ts'
import { KafkaError } from './errors.ts'
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from './requests/offsets.ts'
import { isConnectionFailure, isKafkaError, LEADER_CODES, retrying } from './retry.ts'

/** `latest` is the high watermark, `lastStable` what a read_committed reader may reach, a time its first later record. */
export type OffsetPosition = 'earliest' | 'latest' | 'lastStable' | { readonly timestampMs: number }

/** A new topic is unknown to some brokers for a while; one that stays unknown is an error. */
const UNKNOWN_TOPIC_TRIES = 8
const UNKNOWN_TOPIC: ReadonlySet<number> = new Set([3])

/**
 * The offset at a position of a partition's log. A time after the last record gives the high watermark. Follows the
 * leader and waits for the network until the signal aborts, without a signal for one minute. Throws KafkaError.
 */
export async function listOffset(
  cluster: Cluster,
  topic: string,
  partition: number,
  at: OffsetPosition,
  signal?: AbortSignal,
): Promise<number> {
  const timestampMs = timestampOf(at)
  const isolation = at === 'lastStable' ? 'read_committed' : 'read_uncommitted'
  const offset = await retrying(
    async () => {
      const leader = await cluster.leaderOf(topic, partition)
      const listed = await cluster.call(leader, 'admin', listOffsets(topic, partition, timestampMs, isolation))
      if (listed.errorCode !== 0) throw new KafkaError('ListOffsets', listed.errorCode, `${topic}-${partition}`)
      return listed.offset
    },
    {
      signal,
      again: (error, tries) => {
        cluster.forgetLeaders(topic)
        if (isKafkaError(error, UNKNOWN_TOPIC)) return tries < UNKNOWN_TOPIC_TRIES
        return isConnectionFailure(error) || isKafkaError(error, LEADER_CODES)
      },
    },
  )
  return offset < 0 ? listOffset(cluster, topic, partition, 'latest', signal) : offset
}

function timestampOf(at: OffsetPosition): number {
  if (at === 'earliest') return EARLIEST_TIMESTAMP
  if (at === 'latest' || at === 'lastStable') return LATEST_TIMESTAMP
  return at.timestampMs
}
