/** Longest user id, card reference or event uid that is taken, in bytes of UTF-8. */
const MAX_ID_BYTES = 255

/** U+FFFD stands for bytes that were not UTF-8: two different ids would become one. */
const REPLACEMENT = '\uFFFD'

/** What `idOf` answers for text that cannot be an id. No text of its own: an id may be any word. */
export const UNUSABLE = Symbol('unusable')

/**
 * An id as it travels on: trimmed; null where there is none (absent, null, only blanks); `UNUSABLE` where it is too long
 * or was not UTF-8.
 */
export function idOf(value: string | null | undefined): string | null | typeof UNUSABLE {
  const id = value?.trim()
  if (id === undefined || id === '') return null
  if (id.length > MAX_ID_BYTES || Buffer.byteLength(id) > MAX_ID_BYTES || id.includes(REPLACEMENT)) return UNUSABLE
  return id
}

/** Free text as it travels on: trimmed and cut to a bounded length; null where there is none. */
export function textOf(value: string | null | undefined, maxLength: number): string | null {
  const text = value?.trim()
  return text === undefined || text === '' ? null : text.slice(0, maxLength)
}
