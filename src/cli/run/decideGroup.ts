import type { Logger } from 'pino'
import type { Config } from '../../config/config.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import { ownerOf } from '../../kafka/groupOwner.ts'
import { withinDeadline } from '../deadline.ts'
import type { RoleHealth } from '../../server/health.ts'
import type { DecideGroup } from './adminCalls.ts'

export interface DecideGroupParts {
  readonly config: Config
  readonly log: Logger
  /** Null before it was reached. */
  readonly cluster: () => Cluster | null
  readonly roles: () => readonly { health(): Pick<RoleHealth, 'inputPartitions'> }[]
}

/** An operator waits for it. */
const WITHIN_MS = 5_000

/** What this process and Kafka know of the group of DECIDE, wherever that runs. */
export function decideGroupOf({ config, log, cluster, roles }: DecideGroupParts): DecideGroup {
  const topic = config.topics.userEvents
  const reached = (): Cluster => {
    const connected = cluster()
    if (connected === null) throw new Error('Kafka was not reached yet')
    return connected
  }
  return {
    partitionCount: async () => {
      const known = roles().flatMap(role => role.health().inputPartitions[topic] ?? [])
      return known[0] ?? withinDeadline('Kafka', WITHIN_MS, () => reached().partitionCount(topic))
    },
    owner: async partition => {
      try {
        const groupId = `${config.application.id}-decide`
        const owner = await withinDeadline('Kafka', WITHIN_MS, () => ownerOf(reached(), groupId, { topic, partition }))
        if (owner === null) return null
        const { instanceId, memberId, clientId, clientHost, adminUrl } = owner
        return { instanceId, memberId, clientId, host: clientHost.replace(/^\//, ''), adminUrl }
      } catch (error) {
        log.warn({ err: error, topic, partition }, 'who has the partition cannot be told')
        return null
      }
    },
  }
}
