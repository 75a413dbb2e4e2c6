import type { TopicPartition } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import { decodeAssignment, decodeSubscription } from './consumerProtocol.ts'
import { KafkaError } from './errors.ts'
import { askCoordinator } from './groupOffsets.ts'
import { describeGroup } from './requests/describeGroup.ts'
import type { DescribedMember } from './requests/describeGroup.ts'

/** A member of a group, as the group tells of it. */
export interface GroupOwner {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** What the member gave as its address when it joined; null where it gave none, or not one that can be read. */
  readonly adminUrl: string | null
}

const ANSWER_MS = 3_000

/**
 * The member to whom the group's leader gave a partition last; null while the group rebalances, and where nobody has it.
 * Who holds its lock is another matter: this is where to ask, never a proof. Throws KafkaError.
 */
export async function ownerOf(cluster: Cluster, groupId: string, wanted: TopicPartition): Promise<GroupOwner | null> {
  const request = describeGroup(groupId, ANSWER_MS)
  const members = await askCoordinator(cluster, groupId, async node => {
    const { errorCode, members } = await cluster.call(node, 'admin', request)
    if (errorCode !== 0) throw new KafkaError(request.api.name, errorCode, groupId)
    return members
  })
  const owner = members.find(({ assignment }) => includes(assignment, wanted))
  return owner === undefined ? null : shown(owner)
}

function includes(assignment: Buffer, wanted: TopicPartition): boolean {
  return decodeAssignment(assignment).some(
    ({ topic, partition }) => topic === wanted.topic && partition === wanted.partition,
  )
}

function shown({ memberId, instanceId, clientId, clientHost, subscription }: DescribedMember): GroupOwner {
  return {
    memberId,
    instanceId,
    clientId,
    clientHost,
    adminUrl: httpUrlOf(decodeSubscription(subscription).adminUrl ?? null),
  }
}

function httpUrlOf(text: string | null): string | null {
  return text !== null && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : null
}
