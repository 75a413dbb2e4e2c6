import type { Cluster } from '../../kafka/cluster.ts'
import { TopicFollower } from '../../kafka/topicFollower.ts'
import { KillSwitch } from '../../processors/provision/killSwitch.ts'

/** The global stop of pushes, fed from its topic. Until `start` and until the topic is read whole it holds them. */
export interface Control {
  readonly killSwitch: KillSwitch
  start(): void
  close(): Promise<void>
}

export function followControl(cluster: Cluster, topic: string): Control {
  const follower = new TopicFollower({
    cluster,
    topic,
    onRecord: record => killSwitch.apply(record),
    onChecked: () => killSwitch.check(),
  })
  const killSwitch = new KillSwitch({ reader: follower, now: Date.now })
  return { killSwitch, start: () => follower.start(), close: () => follower.close() }
}
