/**
 * A call to another system ended.
 *
 * @param operation what was asked, one of a few words
 * @param answer its kind: a code, never what was sent
 * @param durationMs from the request to the end of the answer
 */
export type CallObserver = (operation: string, answer: string, durationMs: number) => void
