import type { Cluster } from './cluster.ts'
import { KafkaError } from './errors.ts'
import { askCoordinator } from './groupOffsets.ts'
import { leaveGroup } from './requests/group.ts'
import { COORDINATOR_CODES } from './retry.ts'

const UNKNOWN_MEMBER_ID = 25

/**
 * Takes a static member out of a group on behalf of the process that had that instance id: the group gives its partitions
 * to the others at once instead of after the session timeout. False where the group has no such member. One that lives
 * joins again by itself. Throws KafkaError.
 */
export async function removeStaticMember(cluster: Cluster, groupId: string, instanceId: string): Promise<boolean> {
  const request = leaveGroup({ groupId, generation: -1, memberId: '', instanceId })
  const errorCode = await askCoordinator(cluster, groupId, async node => {
    const answer = await cluster.call(node, 'admin', request)
    if (COORDINATOR_CODES.has(answer.errorCode)) throw new KafkaError(request.api.name, answer.errorCode, groupId)
    return answer.errorCode
  })
  if (errorCode === UNKNOWN_MEMBER_ID) return false
  if (errorCode !== 0) throw new KafkaError(request.api.name, errorCode, groupId)
  return true
}
