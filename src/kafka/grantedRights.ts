import type { Cluster } from './cluster.ts'
import { KafkaError } from './errors.ts'
import { askCoordinator } from './groupOffsets.ts'
import { describeGroup } from './requests/describeGroup.ts'
import { topicRights } from './requests/topicRights.ts'
import { isKafkaError } from './retry.ts'

/** Kafka's numbers of the operations that onfile asks for. */
const OPERATIONS = { READ: 3, WRITE: 4, CREATE: 5, DESCRIBE: 8, DESCRIBE_CONFIGS: 10 } as const

export type Operation = keyof typeof OPERATIONS

const NOT_SAID = -(2 ** 31)
const TOPIC_AUTHORIZATION_FAILED = 29
const GROUP_AUTHORIZATION_FAILED = 30
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53
const COORDINATOR_NOT_AVAILABLE: ReadonlySet<number> = new Set([14, 15, 16])
const ANSWER_MS = 5_000

/** The operations in a broker's answer, one bit each; null where it does not say. */
export function operationsOf(bits: number): ReadonlySet<Operation> | null {
  if (bits === NOT_SAID) return null
  return new Set((Object.keys(OPERATIONS) as Operation[]).filter(name => ((bits >> OPERATIONS[name]) & 1) === 1))
}

/** By topic; one that does not exist, or of which the broker does not say, is not in it. Throws ConnectionLostError. */
export async function topicOperations(
  cluster: Cluster,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<Operation>>> {
  const granted = new Map<string, ReadonlySet<Operation>>()
  for (const { topic, errorCode, operations } of await cluster.callAny(topicRights(topics))) {
    if (errorCode === TOPIC_AUTHORIZATION_FAILED) granted.set(topic, new Set())
    if (errorCode !== 0) continue
    const said = operationsOf(operations)
    if (said !== null) granted.set(topic, said)
  }
  return granted
}

/** Null where the broker does not say. Throws KafkaError. */
export async function groupOperations(cluster: Cluster, groupId: string): Promise<ReadonlySet<Operation> | null> {
  const request = describeGroup(groupId, ANSWER_MS)
  try {
    const { errorCode, operations } = await askCoordinator(cluster, groupId, async node => {
      const answer = await cluster.call(node, 'admin', request)
      if (COORDINATOR_NOT_AVAILABLE.has(answer.errorCode)) {
        throw new KafkaError(request.api.name, answer.errorCode, groupId)
      }
      return answer
    })
    return errorCode === GROUP_AUTHORIZATION_FAILED ? new Set() : operationsOf(operations)
  } catch (error) {
    if (isKafkaError(error, new Set([GROUP_AUTHORIZATION_FAILED]))) return new Set()
    throw error
  }
}

/**
 * Whether this principal may at least know of a transactional id: brokers say no more without acting on it, and to
 * initialise it would fence its owner. Throws ConnectionLostError.
 */
export async function knowsTransactionalId(cluster: Cluster, transactionalId: string): Promise<boolean> {
  try {
    await cluster.coordinator('transaction', transactionalId)
    return true
  } catch (error) {
    if (isKafkaError(error, COORDINATOR_NOT_AVAILABLE)) return true
    if (isKafkaError(error, new Set([TRANSACTIONAL_ID_AUTHORIZATION_FAILED]))) return false
    throw error
  }
}
