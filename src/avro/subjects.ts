import { IncompatibleSchemaError } from './errors.ts'
import type { SchemaRegistry } from './registry.ts'
import { RECORD_SCHEMAS, registeredText } from './schemaFiles.ts'
import type { RecordSchemaName } from './schemaFiles.ts'

/** Names of the topics that onfile writes. */
export interface RecordTopics {
  readonly userEvents: string
  readonly provisioningCommands: string
  readonly cardOutcomes: string
  readonly cardSuppressions: string
}

/** What a subject holds, against what this release needs. */
export interface SubjectState {
  readonly subject: string
  readonly schema: RecordSchemaName
  /** `different`: the subject has versions, none of them is this release's. */
  readonly state: 'registered' | 'missing' | 'different'
  readonly schemaId: number | undefined
  /** Why `schemas register` would be refused; empty where it would not. */
  readonly incompatibilities: readonly string[]
}

/** TopicNameStrategy: one subject per topic for its values. Keys are plain UTF-8 and have none. */
export function valueSubject(topic: string): string {
  return `${topic}-value`
}

export function subjectOf(schema: RecordSchemaName, topics: RecordTopics): string {
  switch (schema) {
    case 'user-event':
      return valueSubject(topics.userEvents)
    case 'provisioning-command':
      return valueSubject(topics.provisioningCommands)
    case 'card-outcome':
      return valueSubject(topics.cardOutcomes)
    case 'card-suppression':
      return valueSubject(topics.cardSuppressions)
  }
}

/** `onfile schemas check`: changes nothing. */
export async function schemaCheck(registry: SchemaRegistry, topics: RecordTopics): Promise<readonly SubjectState[]> {
  const states: SubjectState[] = []
  for (const schema of RECORD_SCHEMAS) states.push(await subjectState(registry, schema, subjectOf(schema, topics)))
  return states
}

/**
 * `onfile schemas register`: brings each subject to this release's schema under FULL_TRANSITIVE. Safe to repeat, and
 * meant for one run at a time. `IncompatibleSchemaError` where the registry refuses a schema.
 */
export async function schemaRegister(registry: SchemaRegistry, topics: RecordTopics): Promise<readonly SubjectState[]> {
  for (const schema of RECORD_SCHEMAS) {
    const subject = subjectOf(schema, topics)
    const before = await subjectState(registry, schema, subject)
    if (before.incompatibilities.length > 0) throw new IncompatibleSchemaError(subject, before.incompatibilities)
    if (before.state === 'different') await registry.setCompatibility(subject, 'FULL_TRANSITIVE')
    if (before.state !== 'registered') await registry.register(subject, registeredText(schema))
    if (before.state !== 'different') await registry.setCompatibility(subject, 'FULL_TRANSITIVE')
  }
  return schemaCheck(registry, topics)
}

async function subjectState(
  registry: SchemaRegistry,
  schema: RecordSchemaName,
  subject: string,
): Promise<SubjectState> {
  const text = registeredText(schema)
  const schemaId = await registry.idOf(subject, text)
  if (schemaId !== undefined) return { subject, schema, state: 'registered', schemaId, incompatibilities: [] }
  if ((await registry.latestId(subject)) === undefined) {
    return { subject, schema, state: 'missing', schemaId: undefined, incompatibilities: [] }
  }
  const incompatibilities = await registry.incompatibilities(subject, text)
  return { subject, schema, state: 'different', schemaId: undefined, incompatibilities }
}
