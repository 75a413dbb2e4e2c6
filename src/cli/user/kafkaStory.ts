import { AvroDecodeError, UnknownSchemaError } from '../../avro/errors.ts'
import type { RecordCodec } from '../../avro/records.ts'
import type { Config } from '../../config/config.ts'
import { encodePart } from '../../domain/ids.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import { listOffset } from '../../kafka/offsets.ts'
import { partitionForKey } from '../../kafka/partitioner.ts'
import { scanPartition } from '../../kafka/partitionScan.ts'
import type { RecordView } from '../../kafka/recordView.ts'
import { connectBus, decodeAny } from '../order/kafkaDesk.ts'
import { partitionsOf } from '../order/topicMissing.ts'
import { StateReader } from './changelog.ts'
import { readPushSwitch } from './pushSwitch.ts'
import type { StoryQuestion, Told, ToldSuppression, UserStory } from './story.ts'

/** What one topic's scan needs. */
interface Scan {
  readonly cluster: Cluster
  readonly topic: string
  readonly partition: number
  readonly from: 'earliest' | { readonly timestampMs: number }
  readonly keep: (record: RecordView) => boolean
  readonly signal: AbortSignal
}

/**
 * Reads one user's story from a real cluster: the user's partition of five topics, committed records only, and the switch
 * of pushes, all at the same time. Of the changelog it must read everything: it is compacted, and the newest value may be
 * anywhere.
 */
export async function readKafkaStory(
  config: Config,
  { userId, sinceMs }: StoryQuestion,
  signal: AbortSignal,
): Promise<UserStory> {
  const { topics } = config
  const bus = await connectBus(config)
  const { cluster, codecs } = bus
  try {
    const key = Buffer.from(userId, 'utf8')
    const partition = partitionForKey(key, await partitionsOf(cluster, topics.userEvents))
    const isUsers = (record: RecordView): boolean => record.key()?.equals(key) === true
    const keyPrefix = Buffer.from(`${encodePart(userId)}/`, 'utf8')
    const isSuppression = (record: RecordView): boolean =>
      record.key()?.subarray(0, keyPrefix.length).equals(keyPrefix) === true
    const recent = (topic: string, keep: Scan['keep']): Promise<RecordView[]> =>
      read({ cluster, topic, partition, from: { timestampMs: sinceMs }, keep, signal })
    const state = new StateReader(userId)
    const unreadable: Told<null>[] = []
    const [userEvents, commands, outcomes, suppressions, pushes] = await Promise.all([
      recent(topics.userEvents, isUsers).then(records =>
        tellAll(records, topics.userEvents, codecs.userEvents, unreadable),
      ),
      recent(topics.provisioningCommands, isUsers).then(records =>
        tellAll(records, topics.provisioningCommands, codecs.provisioningCommands, unreadable),
      ),
      recent(topics.cardOutcomes, isUsers).then(records =>
        tellAll(records, topics.cardOutcomes, codecs.cardOutcomes, unreadable),
      ),
      recent(topics.cardSuppressions, isSuppression).then(records =>
        tellSuppressions(records, topics.cardSuppressions, codecs.cardSuppressions, unreadable),
      ),
      readPushSwitch(cluster, topics.control, signal),
      read({
        cluster,
        topic: topics.decideChangelog,
        partition,
        from: 'earliest',
        keep: record => state.accept(record),
        signal,
      }),
    ])
    const told = { userEvents, commands, outcomes, suppressions, unreadable, state: state.known(), pushes }
    return { userId, partition, sinceMs, readAtMs: Date.now(), ...told }
  } finally {
    await bus.close()
  }
}

/**
 * What the records say. One that cannot be read goes to `unreadable`: it must not hide all the others.
 * @throws whatever asking again may mend: a registry that does not answer
 */
export async function tellAll<T>(
  records: readonly RecordView[],
  topic: string,
  codec: RecordCodec<T>,
  unreadable: Told<null>[],
): Promise<Told<T>[]> {
  const told: Told<T>[] = []
  for (const record of records) {
    if (record.valueEnd < 0) continue
    const value = await decodedOrNull(codec, record)
    if (value === null) unreadable.push(placed(record, topic, null))
    else told.push(placed(record, topic, value))
  }
  return told
}

async function decodedOrNull<T>(codec: RecordCodec<T>, record: RecordView): Promise<T | null> {
  try {
    return await decodeAny(codec, record)
  } catch (error) {
    if (error instanceof AvroDecodeError || error instanceof UnknownSchemaError) return null
    throw error
  }
}

async function tellSuppressions(
  records: readonly RecordView[],
  topic: string,
  codec: RecordCodec<NonNullable<ToldSuppression['suppression']>>,
  unreadable: Told<null>[],
): Promise<Told<ToldSuppression>[]> {
  const told: Told<ToldSuppression>[] = []
  for (const record of records) {
    const suppression = record.valueEnd < 0 ? null : await decodedOrNull(codec, record)
    if (suppression === null && record.valueEnd >= 0) unreadable.push(placed(record, topic, null))
    else told.push(placed(record, topic, { key: record.keyString() ?? '', suppression }))
  }
  return told
}

/** From a time on, or all of it, to what was committed when it began. */
async function read({ cluster, topic, partition, from, keep, signal }: Scan): Promise<RecordView[]> {
  await partitionsOf(cluster, topic)
  const untilOffset = await listOffset(cluster, topic, partition, 'lastStable', signal)
  const fromOffset = await listOffset(cluster, topic, partition, from, signal)
  const found: RecordView[] = []
  for await (const records of scanPartition(cluster, { topic, partition, fromOffset, untilOffset, keep, signal })) {
    found.push(...records)
  }
  return found
}

function placed<T>(record: RecordView, topic: string, value: T): Told<T> {
  return { topic, offset: record.offset, atMs: record.timestamp, value }
}
