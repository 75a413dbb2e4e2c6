import type { Cluster } from '../../kafka/cluster.ts'
import { TopicFollower } from '../../kafka/topicFollower.ts'
import { SuppressionIndex } from '../../processors/switcher/suppressionIndex.ts'

/** Who must not be pushed, fed from `card-suppressions`. Until `start` and until the topic is read whole it holds pushes. */
export interface Suppressions {
  readonly index: SuppressionIndex
  start(): void
  close(): Promise<void>
}

export function followSuppressions(cluster: Cluster, topic: string): Suppressions {
  const follower = new TopicFollower({
    cluster,
    topic,
    isolation: 'read_committed',
    onRecord: record => index.apply(record),
    onChecked: () => index.check(),
    onRestart: () => index.restart(),
  })
  const index = new SuppressionIndex({ reader: follower, now: Date.now })
  return { index, start: () => follower.start(), close: () => follower.close() }
}
