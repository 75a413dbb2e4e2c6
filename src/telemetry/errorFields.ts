/** What a log line tells of an error. Own properties of the error are left out: they may hold what was being processed. */
export interface ErrorFields {
  /** `OutcomeUnknownError`: the class, which says whether it is retried. */
  readonly class: string
  /** Stable code, null for errors that are not onfile's. */
  readonly code: string | null
  readonly message: string
  readonly stack: string | null
  readonly cause?: ErrorFields
}

const MAX_CAUSES = 5

export function errorFields(error: unknown, causes = MAX_CAUSES): ErrorFields {
  if (!(error instanceof Error)) {
    return { class: typeof error, code: null, message: typeof error === 'string' ? error : 'not an Error', stack: null }
  }
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? String(error.code) : null
  const fields = { class: error.name, code, message: error.message, stack: error.stack ?? null }
  if (error.cause === undefined || error.cause === null || causes === 0) return fields
  return { ...fields, cause: errorFields(error.cause, causes - 1) }
}
