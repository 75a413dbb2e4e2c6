/** Errors of schemas and of the schema registry. None of them carries a value of a record. */

/** The registry did not answer, answered 5xx or 429, or refused the credentials. Nothing is known about the schema. */
export class RegistryUnavailableError extends Error {
  override readonly name = 'RegistryUnavailableError'
  readonly code = 'registry_unavailable'
  readonly retryable = true
  readonly url: string

  constructor(url: string, why: string, options?: ErrorOptions) {
    super(
      `The schema registry at ${url} is not usable: ${why}. onfile waits and tries again; check registry.url and registry.auth.`,
      options,
    )
    this.url = url
  }
}

/** A registry that works does not know this id, or knows it as something else than a readable Avro schema. */
export class UnknownSchemaError extends Error {
  override readonly name = 'UnknownSchemaError'
  readonly code = 'unknown_schema'
  readonly retryable = false
  readonly schemaId: number

  constructor(schemaId: number, why: string) {
    super(`Schema id ${schemaId} cannot be read: ${why}. The team that writes the topic must register its Avro schema.`)
    this.schemaId = schemaId
  }
}

/** The subject does not exist, or holds other schemas than the one of this release. */
export class SchemaNotRegisteredError extends Error {
  override readonly name = 'SchemaNotRegisteredError'
  readonly code: 'schema_missing' | 'schema_different'
  readonly retryable = false
  readonly subject: string

  constructor(subject: string, state: 'missing' | 'different') {
    super(
      state === 'missing'
        ? `Subject ${subject} does not exist in the schema registry. An operator must run: onfile schemas register`
        : `Subject ${subject} does not hold the schema of this release. An operator must run: onfile schemas register`,
    )
    this.code = `schema_${state}`
    this.subject = subject
  }
}

/** The registry refuses the schema because readers of older or newer versions could not live with it. */
export class IncompatibleSchemaError extends Error {
  override readonly name = 'IncompatibleSchemaError'
  readonly code = 'schema_incompatible'
  readonly retryable = false
  readonly subject: string

  constructor(subject: string, problems: readonly string[]) {
    const detail = problems.length > 0 ? ` (${problems.join('; ')})` : ''
    super(
      `The schema registry refuses this release's schema for subject ${subject} as incompatible${detail}. ` +
        'Was the subject written by another system? An operator must clear it or choose another topic name.',
    )
    this.subject = subject
  }
}

/** Bytes that are not one value of their schema: cut short, or followed by others. */
export class AvroDecodeError extends Error {
  override readonly name = 'AvroDecodeError'
  readonly code = 'invalid_avro'
  readonly retryable = false

  constructor(why: string) {
    super(`The bytes are not one Avro value of their schema: ${why}. Their writer must be repaired.`)
  }
}

/** State that a later release wrote: read by this one it could lose what the later one knew. */
export class ValueTooNewError extends Error {
  override readonly name = 'ValueTooNewError'
  readonly code = 'STATE_TOO_NEW'
  readonly retryable = false

  constructor(what: string, found: number, supported: number) {
    super(
      `A value of ${what} was written by a newer release (version ${found}, this release reads up to ${supported}). ` +
        'The operator must deploy that release again; this one touches nothing.',
    )
  }
}
