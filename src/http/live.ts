/** A value, or a call that gives the one of now: what a client is shown to work with may be rotated while it runs. */
export type Live<T> = T | (() => T)

/** The value of now. `T` is no function. */
export function current<T>(live: Live<T>): T {
  return typeof live === 'function' ? (live as () => T)() : live
}
