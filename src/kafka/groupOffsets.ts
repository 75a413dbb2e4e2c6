import type { Cluster } from './cluster.ts'
import { KafkaError } from './errors.ts'
import { offsetCommit, offsetFetch } from './requests/offsets.ts'
import { COORDINATOR_CODES, isConnectionFailure, isKafkaError, retrying } from './retry.ts'

const UNKNOWN_MEMBER_ID = 25

/**
 * Committed offsets of a topic's partitions, in their order; -1 where there is none. Does not wait for transactions that
 * are open: the one that a killed process left behind ends only when its partition is locked again. Throws KafkaError.
 */
export async function groupOffsets(
  cluster: Cluster,
  groupId: string,
  topic: string,
  partitionCount: number,
): Promise<number[]> {
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
  return Promise.all(
    partitions.map(async partition => {
      const request = offsetFetch(groupId, topic, partition, 'latest')
      return askCoordinator(cluster, groupId, async node => {
        const { errorCode, offset } = await cluster.call(node, 'transactions', request)
        if (errorCode !== 0) throw new KafkaError(request.api.name, errorCode, `${groupId}, ${topic}-${partition}`)
        return offset
      })
    }),
  )
}

/**
 * Commits offsets for a group that has no members. Where it has some it changes nothing: then another process has begun
 * meanwhile, and its offsets stand. Throws KafkaError.
 */
export async function commitGroupOffsets(
  cluster: Cluster,
  groupId: string,
  topic: string,
  offsets: readonly number[],
): Promise<void> {
  const request = offsetCommit(groupId, topic, offsets)
  await askCoordinator(cluster, groupId, async node => {
    const { errorCode } = await cluster.call(node, 'transactions', request)
    if (errorCode !== 0 && errorCode !== UNKNOWN_MEMBER_ID) throw new KafkaError(request.api.name, errorCode, groupId)
  })
}

/** Asks whoever coordinates the group, again where that has moved. */
export function askCoordinator<T>(
  cluster: Cluster,
  groupId: string,
  attempt: (node: number) => Promise<T>,
): Promise<T> {
  return retrying(async () => attempt(await cluster.coordinator('group', groupId)), {
    again: error => {
      if (isConnectionFailure(error) || isKafkaError(error, COORDINATOR_CODES)) {
        cluster.forgetCoordinator('group', groupId)
        return true
      }
      return false
    },
  })
}
