import avsc from 'avsc'
import type { Type } from 'avsc'
import { RegistryUnavailableError, UnknownSchemaError } from '../../src/avro/errors.ts'
import { InstantType } from '../../src/avro/instantType.ts'
import { boundedContainers } from '../../src/avro/boundedContainers.ts'
import type { SchemaSource } from '../../src/avro/registry.ts'
import { recordCodecs } from '../../src/avro/records.ts'
import type { UserEvent } from '../../src/domain/records.ts'
import type { Processor } from '../../src/engine/processor.ts'
import type { RecordView } from '../../src/kafka/recordBatch.ts'
import { createIngestTopology } from '../../src/processors/ingest.ts'
import type { IngestSettings, IngestTopics, OwnerDirectory } from '../../src/processors/ingest/settings.ts'
import { FakeTaskContext } from './taskContext.ts'
import type { ForwardedRecord } from './taskContext.ts'

export const NOW = Date.parse('2025-03-28T12:00:00.000Z')
export const TOPICS: IngestTopics = {
  cardLifecycle: 'card-lifecycle',
  knotEvents: 'knot-events',
  retry: 'onfile-retry',
  userEvents: 'onfile-user-events',
  deadLetters: 'onfile-dlq',
  control: 'onfile-control',
}

/** Schemas by id, without a registry behind them. */
export class SchemaShelf implements SchemaSource {
  readonly types = new Map<number, Type>()
  down = false
  asked = 0

  add(id: number, schema: object): Type {
    const options = { typeHook: boundedContainers, logicalTypes: InstantType.byName }
    const type = avsc.Type.forSchema(schema as avsc.Schema, options)
    this.types.set(id, type)
    return type
  }

  typeById(id: number): Promise<Type> {
    this.asked++
    if (this.down) return Promise.reject(new RegistryUnavailableError('http://registry', 'no answer'))
    const type = this.types.get(id)
    return type === undefined ? Promise.reject(new UnknownSchemaError(id, 'not there')) : Promise.resolve(type)
  }
}

/** Owners by card, without HTTP; `ask` is what `resolve` does with cards that are not known yet. */
export class OwnerShelf implements OwnerDirectory {
  readonly owners = new Map<string, string | null>()
  readonly resolved: string[] = []
  ask: (cardRef: string) => string | null = () => null

  owner(cardRef: string): string | null | undefined {
    return this.owners.get(cardRef)
  }

  async resolve(cardRefs: Iterable<string>): Promise<void> {
    await Promise.resolve()
    for (const cardRef of cardRefs) {
      if (this.owners.has(cardRef)) continue
      this.resolved.push(cardRef)
      this.owners.set(cardRef, this.ask(cardRef))
    }
  }
}

export interface IngestHarness {
  readonly schemas: SchemaShelf
  readonly directory: OwnerShelf
  readonly counts: Map<string, number>
  /** A processor of partition 3 of a topic. */
  processor(topic?: string): Processor
  context: FakeTaskContext
  /** Runs one record through `prepare` and `onRecord`, as the engine does, and gives what it forwarded. */
  run(record: RecordView, topic?: string): Promise<ForwardedRecord>
  runAll(record: RecordView, topic?: string): Promise<readonly ForwardedRecord[]>
}

/** `owners`: another directory than the harness's own shelf. */
export function ingestHarness(settings: Partial<IngestSettings> = {}, owners?: OwnerDirectory): IngestHarness {
  const schemas = new SchemaShelf()
  const directory = new OwnerShelf()
  const counts = new Map<string, number>()
  const count = (...labels: string[]): void =>
    void counts.set(labels.join(' '), (counts.get(labels.join(' ')) ?? 0) + 1)
  const ids = { 'user-event': 1, 'provisioning-command': 2, 'card-outcome': 3, 'card-suppression': 4 }
  const topology = createIngestTopology({
    topics: TOPICS,
    settings: {
      cardRef: 'id',
      userFrom: ['header', 'field', 'directory'],
      futureSkewMs: 300_000,
      idPattern: null,
      dedupeSecret: 'a secret of the tests',
      appVersion: '0.0.0-test',
      ...settings,
    },
    userEvents: recordCodecs(schemas, ids).userEvents,
    schemas,
    directory: owners ?? directory,
    metrics: {
      forwarded: (topic, kind) => count('forwarded', topic, kind),
      ignored: (topic, kind) => count('ignored', topic, kind),
      deadLettered: (topic, reason) => count('dead', topic, reason),
    },
    startAt: () => 'latest',
  })
  const context = new FakeTaskContext({ now: NOW, partition: 3 })
  const processor = (topic = TOPICS.cardLifecycle): Processor =>
    topology.createProcessor({
      role: 'ingest',
      topic,
      partition: 3,
      heartbeatAgeMs: () => 0,
      sessionTimeoutMs: 45_000,
      partitionCount: 4,
      ended: new AbortController().signal,
    })
  const runAll = async (record: RecordView, topic?: string): Promise<readonly ForwardedRecord[]> => {
    const instance = processor(topic)
    await instance.prepare?.([record.clone()], new AbortController().signal)
    instance.onRecord(record, context)
    return context.forwarded.splice(0)
  }
  const run = async (record: RecordView, topic?: string): Promise<ForwardedRecord> => {
    const forwarded = await runAll(record, topic)
    if (forwarded.length !== 1) throw new Error(`expected one record, got ${forwarded.length}`)
    return forwarded[0]!
  }
  return { schemas, directory, counts, processor, context, run, runAll }
}

export function headerOf(record: ForwardedRecord, name: string): string | undefined {
  return record.headers.find(header => header.key === name)?.value?.toString('utf8')
}

export function reasonOf(record: ForwardedRecord): string | undefined {
  return headerOf(record, 'onfile.dlq.reason')
}

export function userEventOf(record: ForwardedRecord): UserEvent {
  if (record.topic !== TOPICS.userEvents) {
    throw new Error(`expected a user event, got ${record.topic}: ${String(reasonOf(record))}`)
  }
  return record.value as UserEvent
}

/** Confluent framing of a value of `type`. */
export function framed(id: number, type: Type, value: unknown): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, type.toBuffer(value)])
}
