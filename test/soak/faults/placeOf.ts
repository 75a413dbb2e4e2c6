/** A user at a merchant, for a sentence. */
export function placeOf({
  userId,
  merchantId,
}: {
  readonly userId: string | null
  readonly merchantId: number | null
}): string {
  return `${userId ?? 'somebody'} at ${merchantId ?? 'a merchant'}`
}
