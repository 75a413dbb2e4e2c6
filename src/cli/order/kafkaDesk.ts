import { connectRecords } from '../../avro/records.ts'
import type { RecordCodec, RecordCodecs } from '../../avro/records.ts'
import type { Config } from '../../config/config.ts'
import type { CardOutcome, SourcePosition, UserEvent } from '../../domain/records.ts'
import { Cluster } from '../../kafka/cluster.ts'
import { listOffset } from '../../kafka/offsets.ts'
import { partitionForKey } from '../../kafka/partitioner.ts'
import { scanPartition } from '../../kafka/partitionScan.ts'
import type { RecordView } from '../../kafka/recordView.ts'
import { writeSingleRecord } from '../../kafka/singleRecord.ts'
import { registryOf } from '../connections.ts'
import { kafkaOptionsOf } from '../kafkaOptions.ts'
import { isAt, ownOutcome } from './desk.ts'
import type { OrderDesk, WrittenOrder } from './desk.ts'
import type { UserOrder } from './flags.ts'
import { partitionsOf } from './topicMissing.ts'

/** A one-shot command asks one broker at a time: a dead one must leave time for the others. */
const REQUEST_TIMEOUT_MS = 10_000
const CONNECTION_TIMEOUT_MS = 5_000

/** Kafka and the registry of `config`, for a command that comes and goes. */
export interface Bus {
  readonly cluster: Cluster
  readonly codecs: RecordCodecs
  close(): Promise<void>
}

/** Registers nothing: an unknown schema is an error that names the command to run. */
export async function connectBus(config: Config): Promise<Bus> {
  const registry = registryOf(config)
  const cluster = await Cluster.connect({
    ...kafkaOptionsOf(config),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
  })
  const close = async (): Promise<void> => {
    await cluster.close()
    await registry.close()
  }
  try {
    return { cluster, codecs: await connectRecords(registry, config.topics), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Decodes a value in whatever version of its schema it was written. */
export async function decodeAny<T>(codec: RecordCodec<T>, record: RecordView): Promise<T> {
  const { buffer, valueStart, valueEnd } = record
  const schemaId = codec.missing(buffer, valueStart, valueEnd)
  if (schemaId !== undefined) await codec.load(schemaId)
  return codec.decode(buffer, valueStart, valueEnd)
}

/** Orders on a real cluster. */
export async function openKafkaDesk(config: Config, signal: AbortSignal): Promise<OrderDesk> {
  const bus = await connectBus(config)
  try {
    signal.throwIfAborted()
    return new KafkaDesk(config, bus)
  } catch (error) {
    await bus.close()
    throw error
  }
}

class KafkaDesk implements OrderDesk {
  private readonly config: Config
  private readonly bus: Bus

  constructor(config: Config, bus: Bus) {
    this.config = config
    this.bus = bus
  }

  async write({ userId, command }: UserOrder, signal: AbortSignal): Promise<WrittenOrder> {
    const { cluster, codecs } = this.bus
    const { userEvents, cardOutcomes } = this.config.topics
    const key = Buffer.from(userId, 'utf8')
    const partition = partitionForKey(key, await partitionsOf(cluster, userEvents))
    // Before the order is there, so that its outcome cannot be missed.
    const outcomesFrom = await listOffset(cluster, cardOutcomes, partition, 'lastStable', signal)
    const now = Date.now()
    // The order's own position is known only now that it is written: DECIDE puts it in (`readUserEvent.ts`).
    const unknown: SourcePosition = { topic: userEvents, partition, offset: -1, event_id: null }
    const value: UserEvent = { user_id: userId, source: unknown, origin: unknown, occurred_at: now, body: command }
    const offset = await writeSingleRecord(
      cluster,
      { topic: userEvents, partition, key, value, encoder: codecs.userEvents, timestampMs: now },
      signal,
    )
    const position: SourcePosition = { ...unknown, offset }
    return { position, outcomes: stop => this.outcomesOf(position, key, outcomesFrom, stop) }
  }

  close(): Promise<void> {
    return this.bus.close()
  }

  private async outcomesOf(
    position: SourcePosition,
    key: Buffer,
    fromOffset: number,
    signal: AbortSignal,
  ): Promise<readonly CardOutcome[]> {
    const { cluster, codecs } = this.bus
    const found: CardOutcome[] = []
    const scan = scanPartition(cluster, {
      topic: this.config.topics.cardOutcomes,
      partition: position.partition,
      fromOffset,
      keep: record => record.valueEnd >= 0 && record.key()?.equals(key) === true,
      signal,
    })
    for await (const records of scan) {
      for (const record of records) {
        const outcome = await decodeAny(codecs.cardOutcomes, record)
        if (isAt(outcome.source, position)) found.push(outcome)
      }
      if (ownOutcome(found, position) !== undefined) return found
    }
    return found
  }
}
