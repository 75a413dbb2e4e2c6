import type { Type } from 'avsc'
import type { CardOutcome, CardSuppression, ProvisioningCommand, UserEvent } from '../domain/records.ts'
import { framedCodec } from './codecs.ts'
import type { Codec, ValueReader, ValueType } from './codecs.ts'
import { SchemaNotRegisteredError } from './errors.ts'
import { frameSchemaId } from './frame.ts'
import { FramedReader } from './framedReader.ts'
import type { SchemaRegistry, SchemaSource } from './registry.ts'
import { avroType, readSchemaFile } from './schemaFiles.ts'
import type { RecordSchemaName } from './schemaFiles.ts'
import { schemaCheck, schemaRegister } from './subjects.ts'
import type { RecordTopics, SubjectState } from './subjects.ts'
import { resolvedUserEvents, userEventType } from './userEventType.ts'

/**
 * Codec of one of onfile's own topics. It writes with this release's schema id and reads any version. A value of
 * another id can be decoded once `load` has fetched that schema: a processor that finds one `missing` throws the
 * engine's `InputNotReadyError` with `load` as its remedy.
 */
export interface RecordCodec<T> extends Codec<T> {
  readonly schemaId: number
  missing(buffer: Buffer, start: number, end: number): number | undefined
  load(schemaId: number): Promise<void>
}

export interface RecordCodecs {
  readonly userEvents: RecordCodec<UserEvent>
  readonly provisioningCommands: RecordCodec<ProvisioningCommand>
  readonly cardOutcomes: RecordCodec<CardOutcome>
  readonly cardSuppressions: RecordCodec<CardSuppression>
}

/** Schema ids of this release's schemas. */
export type RecordSchemaIds = Readonly<Record<RecordSchemaName, number>>

export interface ConnectOptions {
  /** Registers what is missing instead of refusing. For sandboxes: one process at a time. Default false. */
  readonly autoRegister?: boolean
}

/**
 * Finds (or registers) the schemas of the four topics and gives their codecs. Rejects with `SchemaNotRegisteredError`,
 * which names the subject and the command to run, with `IncompatibleSchemaError` (autoRegister), or with
 * `RegistryUnavailableError`: wait and call again.
 */
export async function connectRecords(
  registry: SchemaRegistry,
  topics: RecordTopics,
  options: ConnectOptions = {},
): Promise<RecordCodecs> {
  const states = options.autoRegister ? await schemaRegister(registry, topics) : await schemaCheck(registry, topics)
  return recordCodecs(registry, idsOf(states))
}

/** The codecs for known schema ids. */
export function recordCodecs(source: SchemaSource, ids: RecordSchemaIds): RecordCodecs {
  return {
    userEvents: recordCodec(source, ids['user-event'], userEventType(), resolvedUserEvents),
    provisioningCommands: plainRecordCodec(source, ids, 'provisioning-command'),
    cardOutcomes: plainRecordCodec(source, ids, 'card-outcome'),
    cardSuppressions: plainRecordCodec(source, ids, 'card-suppression'),
  }
}

function plainRecordCodec<T>(source: SchemaSource, ids: RecordSchemaIds, schema: RecordSchemaName): RecordCodec<T> {
  const type = avroType(readSchemaFile(schema))
  return recordCodec<T>(source, ids[schema], type, writer => resolvedBy(type, writer))
}

function resolvedBy<T>(type: Type, writer: Type): ValueReader<T> {
  const resolver = type.createResolver(writer)
  return { decode: (buffer, start) => type.decode(buffer, start, resolver) }
}

function recordCodec<T>(
  source: SchemaSource,
  schemaId: number,
  type: ValueType<T>,
  resolve: (writer: Type) => ValueReader<T>,
): RecordCodec<T> {
  const own = framedCodec(type, schemaId)
  const others = new FramedReader(source, resolve)
  return {
    schemaId,
    encode: (value, buffer, position) => own.encode(value, buffer, position),
    decode: (buffer, start, end) =>
      frameSchemaId(buffer, start, end) === schemaId
        ? own.decode(buffer, start, end)
        : others.decode(buffer, start, end),
    missing: (buffer, start, end) => {
      const id = others.missing(buffer, start, end)
      return id === schemaId ? undefined : id
    },
    load: id => others.load(id),
  }
}

function idsOf(states: readonly SubjectState[]): RecordSchemaIds {
  const ids = {} as Record<RecordSchemaName, number>
  for (const { schema, subject, schemaId, state } of states) {
    if (schemaId === undefined)
      throw new SchemaNotRegisteredError(subject, state === 'missing' ? 'missing' : 'different')
    ids[schema] = schemaId
  }
  return ids
}
