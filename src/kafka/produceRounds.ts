import type { Cluster } from './cluster.ts'
import type { Compression } from './compression.ts'
import { KafkaError, ProtocolError } from './errors.ts'
import type { BatchBuilder } from './recordBatch.ts'
import { produce } from './requests/produce.ts'
import type { BatchToProduce, ProducedBatch } from './requests/produce.ts'
import { addPartitionsToTransaction } from './requests/transactions.ts'
import type { ProducerIdentity, TransactionProtocol } from './requests/transactions.ts'
import { CONCURRENT_TRANSACTIONS, COORDINATOR_CODES, isKafkaError, LEADER_CODES, pause, retrying } from './retry.ts'

/** One batch of a transaction on its way to its partition. */
export interface OutputBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: BatchBuilder
}

const COORDINATOR_RETRY_CODES: ReadonlySet<number> = new Set([...COORDINATOR_CODES, CONCURRENT_TRANSACTIONS])
const MAX_INT32 = 0x7fffffff

interface Pending extends BatchToProduce {
  readonly recordCount: number
}

/**
 * Step 2 of the commit cycle: sends the batches of a transaction, one per partition in each round, and keeps the
 * sequence numbers of one transactional id.
 */
export class ProduceRounds {
  private readonly cluster: Cluster
  private readonly transactionalId: string
  private readonly compression: Compression
  private readonly deadlineMs: number
  /** Next sequence by `topic/partition`, in this epoch. */
  private readonly sequences = new Map<string, number>()
  /** Protocol v1: partitions that this transaction has announced. */
  private readonly announced = new Set<string>()

  constructor(cluster: Cluster, transactionalId: string, compression: Compression, deadlineMs: number) {
    this.cluster = cluster
    this.transactionalId = transactionalId
    this.compression = compression
    this.deadlineMs = deadlineMs
  }

  epochBegan(): void {
    this.sequences.clear()
    this.announced.clear()
  }

  transactionEnded(): void {
    this.announced.clear()
  }

  /** Next offset by `topic/partition`. When it throws, no request is under way and no batch is read any more. */
  async send(
    rounds: readonly (readonly OutputBatch[])[],
    protocol: TransactionProtocol,
    identity: ProducerIdentity,
  ): Promise<Map<string, number>> {
    const nextOffsets = new Map<string, number>()
    for (const round of rounds) {
      const filled = round.filter(({ batch }) => batch.recordCount > 0)
      if (protocol === 'v1') await this.announce(filled, identity)
      await this.sendRound(this.encode(filled, identity), protocol, nextOffsets)
    }
    return nextOffsets
  }

  private encode(round: readonly OutputBatch[], identity: ProducerIdentity): Pending[] {
    return round.map(({ topic, partition, batch }) => {
      const key = keyOf(topic, partition)
      const sequence = this.sequences.get(key) ?? 0
      this.sequences.set(key, advance(sequence, batch.recordCount))
      const { producerId, epoch } = identity
      const finished = batch.finish(producerId, epoch, sequence, { compression: this.compression })
      return { topic, partition, batch: finished, recordCount: batch.recordCount }
    })
  }

  /** Protocol v1: a partition must be announced before anything is produced to it, in every round where it is new. */
  private async announce(round: readonly OutputBatch[], identity: ProducerIdentity): Promise<void> {
    const fresh = round.filter(({ topic, partition }) => !this.announced.has(keyOf(topic, partition)))
    if (fresh.length === 0) return
    const byTopic = new Map<string, number[]>()
    for (const { topic, partition } of fresh) {
      const numbers = byTopic.get(topic)
      if (numbers === undefined) byTopic.set(topic, [partition])
      else numbers.push(partition)
    }
    const request = addPartitionsToTransaction(this.transactionalId, identity, byTopic)
    await retrying(
      async () => {
        const node = await this.cluster.coordinator('transaction', this.transactionalId)
        const { errorCode } = await this.cluster.call(node, 'transactions', request)
        if (errorCode !== 0) throw new KafkaError(request.api.name, errorCode, this.transactionalId)
      },
      {
        deadlineMs: this.deadlineMs,
        again: error => {
          if (isKafkaError(error, COORDINATOR_CODES)) {
            this.cluster.forgetCoordinator('transaction', this.transactionalId)
          }
          return isKafkaError(error, COORDINATOR_RETRY_CODES)
        },
      },
    )
    for (const { topic, partition } of fresh) this.announced.add(keyOf(topic, partition))
  }

  /** The same bytes again, for as long as the answers say that only the place or the moment was wrong. */
  private async sendRound(
    round: readonly Pending[],
    protocol: TransactionProtocol,
    nextOffsets: Map<string, number>,
  ): Promise<void> {
    const startedMs = performance.now()
    let left = round
    for (let tries = 0; left.length > 0; tries++) {
      const refused = await this.sendOnce(left, protocol, nextOffsets)
      if (refused.length === 0) return
      const moved = refused.filter(({ error }) => error.errorCode !== CONCURRENT_TRANSACTIONS)
      const [worst] = moved.length > 0 ? moved : refused
      if (performance.now() - startedMs > this.deadlineMs) throw worst!.error
      for (const { batch } of moved) this.cluster.forgetLeaders(batch.topic)
      await pause(moved.length > 0 ? Math.min(20 * (tries + 1), 200) : Math.min(tries + 1, 20))
      left = refused.map(({ batch }) => batch)
    }
  }

  /** Batches to send again and why. Waits for all leaders before it throws: no buffer may still be read after that. */
  private async sendOnce(
    batches: readonly Pending[],
    protocol: TransactionProtocol,
    nextOffsets: Map<string, number>,
  ): Promise<{ readonly batch: Pending; readonly error: KafkaError }[]> {
    const refused: { readonly batch: Pending; readonly error: KafkaError }[] = []
    const byLeader = new Map<number, Pending[]>()
    for (const batch of batches) {
      try {
        const leader = await this.cluster.leaderOf(batch.topic, batch.partition)
        const ofLeader = byLeader.get(leader)
        if (ofLeader === undefined) byLeader.set(leader, [batch])
        else ofLeader.push(batch)
      } catch (error) {
        if (!isKafkaError(error, LEADER_CODES)) throw error
        refused.push({ batch, error })
      }
    }
    const settled = await Promise.allSettled(
      [...byLeader].map(async ([leader, ofLeader]) => {
        const request = produce(protocol, this.transactionalId, ofLeader, this.deadlineMs)
        const answers = await this.cluster.call(leader, 'transactions', request)
        for (const batch of ofLeader) {
          const error = this.judge(batch, answers, nextOffsets)
          if (error !== null) refused.push({ batch, error })
        }
      }),
    )
    for (const result of settled) if (result.status === 'rejected') throw result.reason
    return refused
  }

  /** Null when it was appended (perhaps by an earlier try: the broker knows sequence numbers). */
  private judge(
    { topic, partition, recordCount }: Pending,
    answers: readonly ProducedBatch[],
    nextOffsets: Map<string, number>,
  ): KafkaError | null {
    const name = `${topic}-${partition}`
    const answer = answers.find(produced => produced.topic === topic && produced.partition === partition)
    if (answer === undefined) throw new ProtocolError(`a Produce answer does not name ${name}`)
    if (answer.errorCode === 0) {
      if (answer.baseOffset < 0) throw new ProtocolError(`a Produce answer gives no offset for ${name}`)
      nextOffsets.set(keyOf(topic, partition), answer.baseOffset + recordCount)
      return null
    }
    const error = new KafkaError('Produce', answer.errorCode, name, answer.errorMessage)
    if (LEADER_CODES.has(answer.errorCode) || answer.errorCode === CONCURRENT_TRANSACTIONS) return error
    throw error
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

/** Sequence numbers wrap from 2^31 - 1 to 0. */
function advance(sequence: number, count: number): number {
  return sequence > MAX_INT32 - count ? count - (MAX_INT32 - sequence) - 1 : sequence + count
}
