/** What an admin call is refused with: `code` is stable, the sentence says who must act. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly error: string
  /** What is wrong with the request, one sentence each. */
  readonly problems?: readonly string[]
  /** For `Retry-After`. */
  readonly retryAfterMs?: number
}

/** An admin call that is not carried out. */
export class AdminCallError extends Error {
  override readonly name = 'AdminCallError'
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.error)
    this.refusal = refusal
  }
}

/** The request itself is wrong: 400. */
export function wrongRequest(problems: readonly string[]): AdminCallError {
  return new AdminCallError({
    status: 400,
    code: 'REQUEST_WRONG',
    error: 'Nothing was changed: the request is wrong.',
    problems,
  })
}
