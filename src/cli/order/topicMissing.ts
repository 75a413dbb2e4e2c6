import type { Cluster } from '../../kafka/cluster.ts'

/** A one-shot command needs a topic that the cluster does not have. Exit code 78; `run` waits for it instead. */
export class TopicMissingError extends Error {
  override readonly name = 'TopicMissingError'
  readonly code = 'TOPIC_MISSING'

  constructor(topic: string) {
    super(`The topic ${topic} does not exist: an operator must run onfile topics apply, or correct topics.* here`)
  }
}

/** @throws TopicMissingError */
export async function partitionsOf(cluster: Cluster, topic: string): Promise<number> {
  const count = (await cluster.topics([topic])).get(topic)
  if (count === null || count === undefined) throw new TopicMissingError(topic)
  return count
}
