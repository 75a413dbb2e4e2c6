import type { StrayRecord } from './story.ts'

/** The card number that a record of the issuer's carries by mistake: a published test number, not in the vault. */
export const STRAY_CARD_NUMBER = '4242424242424242'

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const lifecycle = (id: string, updatedAt: string, more: object = {}): Buffer =>
  json({ event: 'CARD_AUTOMATICALLY_UPDATED', data: { id, type: 'updated', updated_at: updatedAt }, ...more })

/** Nobody's records: broken ones, which must end as dead letters, and Knot's news of other things, which are ignored. */
export const strayRecords = (nowMs: number): readonly StrayRecord[] => {
  const now = new Date(nowMs).toISOString()
  const nextYear = new Date(nowMs + 365 * 86_400_000).toISOString()
  return [
    {
      topic: 'cardLifecycle',
      says: 'not JSON',
      key: 'broken-1',
      value: Buffer.from('<event>the mainframe speaks XML</event>'),
      ends: { deadLetter: 'invalid_json' },
    },
    {
      topic: 'cardLifecycle',
      says: 'no value',
      key: 'broken-2',
      value: null,
      ends: { deadLetter: 'empty_value' },
    },
    {
      topic: 'cardLifecycle',
      says: 'a card number in place of a card id',
      key: 'broken-3',
      value: lifecycle(STRAY_CARD_NUMBER, now, { user_id: 'u-1001' }),
      ends: { deadLetter: 'contains_pan' },
    },
    {
      topic: 'cardLifecycle',
      says: 'a schema id that the registry does not know',
      key: 'broken-4',
      value: Buffer.from([0, 0x7f, 0xff, 0xff, 0xf0, 2, 2]),
      ends: { deadLetter: 'unknown_schema' },
    },
    {
      topic: 'cardLifecycle',
      says: 'a card that no directory knows',
      key: 'broken-5',
      value: lifecycle('card-nobody', now),
      ends: { deadLetter: 'user_unresolved' },
    },
    {
      topic: 'cardLifecycle',
      says: 'dated next year',
      key: 'broken-6',
      value: lifecycle('card-1001', nextYear, { user_id: 'u-1001' }),
      ends: { deadLetter: 'future_timestamp' },
    },
    {
      topic: 'knotEvents',
      says: 'a card result without its user',
      key: null,
      value: json({ event: 'CARD_UPDATED', merchant: { id: 16, name: 'Netflix' }, timestamp: nowMs }),
      ends: { deadLetter: 'schema_violation' },
    },
    {
      topic: 'knotEvents',
      says: 'MERCHANT_STATUS_UPDATE: about a merchant, not a user',
      key: null,
      value: json({ event: 'MERCHANT_STATUS_UPDATE', merchant: { id: 19, name: 'DoorDash' }, timestamp: nowMs }),
      ends: 'ignored',
    },
    {
      topic: 'knotEvents',
      says: 'NEW_TRANSACTIONS_AVAILABLE: another product',
      key: 'u-1001',
      value: json({ event: 'NEW_TRANSACTIONS_AVAILABLE', external_user_id: 'u-1001', timestamp: nowMs }),
      ends: 'ignored',
    },
  ]
}
