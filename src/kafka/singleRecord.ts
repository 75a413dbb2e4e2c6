import { BatchBuilder } from './batchBuilder.ts'
import type { ValueEncoder } from './batchBuilder.ts'
import type { Cluster } from './cluster.ts'
import { KafkaError, ProtocolError } from './errors.ts'
import { produce } from './requests/produce.ts'
import { initProducerId, NO_IDENTITY } from './requests/transactions.ts'
import { isConnectionFailure, isKafkaError, LEADER_CODES, retrying } from './retry.ts'

/** How long the broker may wait for its replicas. */
const PRODUCE_TIMEOUT_MS = 10_000

/** One record and where it goes. */
export interface SingleRecord<T> {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer
  readonly value: T
  readonly encoder: ValueEncoder<T>
  readonly timestampMs: number
}

/**
 * Writes one record outside of any transaction, once: with a producer id of its own, so that the broker knows a repeated
 * request again, and acknowledged by all in-sync replicas. For tools, not for the hot path: three round trips. Repeats
 * through moved leaders and lost connections until the signal aborts (its reason is thrown; whether the record was
 * written is then unknown).
 *
 * @returns its offset
 * @throws KafkaError for what repeating does not mend
 */
export async function writeSingleRecord<T>(
  cluster: Cluster,
  record: SingleRecord<T>,
  signal: AbortSignal,
): Promise<number> {
  const { topic, partition } = record
  const identity = await retrying(() => cluster.callAny(initProducerId(null, 0, NO_IDENTITY)), {
    signal,
    again: isConnectionFailure,
  })
  if (identity.errorCode !== 0) throw new KafkaError('InitProducerId', identity.errorCode, topic)
  const builder = new BatchBuilder(1_024)
  builder.append(record.timestampMs, record.key, record.value, record.encoder)
  // The same bytes with the same sequence each time: that is what makes a repetition harmless.
  const batch = builder.finish(identity.producerId, identity.epoch, 0, { transactional: false })
  return retrying(
    async () => {
      const leader = await cluster.leaderOf(topic, partition)
      const request = produce('v1', null, [{ topic, partition, batch }], PRODUCE_TIMEOUT_MS)
      const [answer] = await cluster.call(leader, 'transactions', request)
      if (answer === undefined) throw new ProtocolError(`a Produce answer does not name ${topic}-${partition}`)
      if (answer.errorCode !== 0) {
        throw new KafkaError('Produce', answer.errorCode, `${topic}-${partition}`, answer.errorMessage)
      }
      return answer.baseOffset
    },
    {
      signal,
      again: error => {
        cluster.forgetLeaders(topic)
        return isConnectionFailure(error) || isKafkaError(error, LEADER_CODES)
      },
    },
  )
}
