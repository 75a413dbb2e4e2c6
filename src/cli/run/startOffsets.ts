import { ConfigError } from '../../config/errors.ts'
import type { Config } from '../../config/config.ts'
import type { StartAt } from '../../config/specialLeaves.ts'
import type { Topology } from '../../engine/processor.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import { commitGroupOffsets, groupOffsets } from '../../kafka/groupOffsets.ts'
import { listOffset } from '../../kafka/offsets.ts'

export interface IngestStart {
  readonly startAt: Topology['startAt']
  /** What an operator must know of this start; empty as a rule. */
  readonly notices: readonly string[]
}

/**
 * Where INGEST begins on the issuer's topics. The first time, `ingest.startAt` decides for all partitions at once, and the
 * offsets are committed before anything is read: neither a restart in the middle nor a partition added later can then
 * fall back to another point. Later every partition has an offset, and a new one begins at its start.
 *
 * A group without offsets whose work is to be seen in `onfile-user-events` has lost them. What `ingest.startAt` said for
 * the first start is no answer to that: `latest` would skip what came since, `earliest` would read years again. Only a
 * time is taken then, which somebody had to choose; what is read twice is known as a duplicate.
 *
 * @throws ConfigError where it is the first time and `ingest.startAt` is not set, or the offsets are lost and it is no time
 */
export async function prepareIngestStart(cluster: Cluster, config: Config): Promise<IngestStart> {
  const groupId = `${config.application.id}-ingest`
  const notices: string[] = []
  for (const topic of [config.topics.cardLifecycle, config.topics.knotEvents]) {
    const count = await cluster.partitionCount(topic)
    const isKnown = async () => (await groupOffsets(cluster, groupId, topic, count)).some(offset => offset >= 0)
    if (await isKnown()) continue
    const { startAt } = config.ingest
    if (startAt === null) throw new ConfigError([notSet(groupId, topic)])
    if (await hasWorkedBefore(cluster, config)) {
      // Or another process made the first start between the two questions.
      if (await isKnown()) continue
      if (typeof startAt === 'string') throw new ConfigError([offsetsLost(groupId, topic, config, startAt)])
      notices.push(
        `ingest: the group ${groupId} had lost its offsets of ${topic} and began again at ` +
          `${new Date(startAt.timestampMs).toISOString()}, as ingest.startAt says: take that setting out now`,
      )
    }
    const offsets = await Promise.all(
      Array.from({ length: count }, (_, partition) => listOffset(cluster, topic, partition, startAt)),
    )
    await commitGroupOffsets(cluster, groupId, topic, offsets)
  }
  return { startAt: () => 'earliest', notices }
}

/** The end of a log stays where it was, whatever retention has removed. */
async function hasWorkedBefore(cluster: Cluster, { topics }: Config): Promise<boolean> {
  const count = (await cluster.topics([topics.userEvents])).get(topics.userEvents) ?? 0
  const ends = await Promise.all(
    Array.from({ length: count }, (_, partition) => listOffset(cluster, topics.userEvents, partition, 'latest')),
  )
  return ends.some(end => end > 0)
}

function notSet(groupId: string, topic: string): string {
  return (
    `ingest.startAt is required: the group ${groupId} has no offset for ${topic} yet, and neither years of old ` +
    'events nor a gap may come by default (earliest, latest or an ISO time)'
  )
}

function offsetsLost(groupId: string, topic: string, { topics }: Config, startAt: Exclude<StartAt, object>): string {
  return (
    `ingest.startAt ${startAt} is refused: the group ${groupId} has no offset for ${topic}, but ${topics.userEvents} holds ` +
    'records already, so its offsets were lost. Whoever runs onfile must set ingest.startAt to a time before the loss, or ' +
    "the group's offsets by hand (docs/operations.md 5). Where it is the first start and only orders were written before: " +
    '1970-01-01 begins at the start'
  )
}
