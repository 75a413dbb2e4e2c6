import type { Config } from '../../config/config.ts'
import { Cluster } from '../../kafka/cluster.ts'
import { removeStaticMember } from '../../kafka/staticMember.ts'
import { kafkaOptionsOf } from '../kafkaOptions.ts'
import type { LeftGroup } from './leaveCommand.ts'

/** A one-shot command asks one broker at a time: a dead one must leave time for the others. */
const REQUEST_TIMEOUT_MS = 10_000
const CONNECTION_TIMEOUT_MS = 5_000

/** Takes an instance out of the groups of the configured roles, at a real cluster. */
export async function leaveKafkaGroups(config: Config, instanceId: string, signal: AbortSignal): Promise<LeftGroup[]> {
  const cluster = await Cluster.connect({
    ...kafkaOptionsOf(config),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
  })
  try {
    const left: LeftGroup[] = []
    for (const role of config.roles) {
      signal.throwIfAborted()
      const groupId = `${config.application.id}-${role}`
      left.push({ groupId, removed: await removeStaticMember(cluster, groupId, instanceId) })
    }
    return left
  } finally {
    await cluster.close()
  }
}
