import { lenientReader } from '../avro/lenientReader.ts'
import { FramedReader } from '../avro/framedReader.ts'
import { readSchemaFile } from '../avro/schemaFiles.ts'
import type { SchemaSource } from '../avro/registry.ts'
import type { Topology } from '../engine/processor.ts'
import { IngestProcessor } from './ingest/ingestProcessor.ts'
import type { IngestParts } from './ingest/ingestProcessor.ts'
import type { InputReaders } from './ingest/judge.ts'
import { PanFields } from './ingest/panFields.ts'

export interface IngestOptions extends Omit<IngestParts, 'readers' | 'panFields'> {
  /** Where the schemas of issuers' Avro come from. */
  readonly schemas: SchemaSource
  /** `ingest.startAt`, for the issuer's topics: where a partition without a committed offset begins. */
  readonly startAt: Topology['startAt']
}

/**
 * The role INGEST: the issuer's two feeds and the replayed dead letters in, `onfile-user-events` and `onfile-dlq` out.
 * Stateless, so without a changelog. The retry topic is internal and always begins at its start. Throws `SyntaxError`
 * where `settings.idPattern` is no regular expression.
 */
export function createIngestTopology(options: IngestOptions): Topology {
  const { topics, startAt } = options
  const parts: IngestParts = {
    ...options,
    readers: inputReaders(options.schemas),
    panFields: new PanFields(options.settings.idPattern),
  }
  return {
    role: 'ingest',
    inputs: [topics.cardLifecycle, topics.knotEvents, topics.retry],
    tables: {},
    stateVersion: 1,
    outputs: [topics.userEvents, topics.deadLetters, topics.control],
    startAt: (topic, partition) => (topic === topics.retry ? 'earliest' : startAt(topic, partition)),
    createProcessor: task => new IngestProcessor(parts, task.topic, task.partition),
  }
}

/** Readers of issuers' Avro for both feeds, by field names alone: `lenientReader`. */
export function inputReaders(schemas: SchemaSource): InputReaders {
  const lifecycle = readSchemaFile('in/card-lifecycle')
  const knot = readSchemaFile('in/knot-event')
  return {
    lifecycle: new FramedReader(schemas, writer => lenientReader(lifecycle, writer)),
    knot: new FramedReader(schemas, writer => lenientReader(knot, writer)),
  }
}
