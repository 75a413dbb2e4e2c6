import { randomUUID } from 'node:crypto'
import avsc from 'avsc'
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../src/avro/frame.ts'
import { USER_ID_HEADER } from '../../src/processors/ingest/userResolution.ts'
import type { EventStep } from './story.ts'

/**
 * The issuer's own Avro schema of account-updater events: the fields of seed 004 and the issuer's names of the records.
 * INGEST reads it by its field names.
 */
export const ISSUER_SCHEMA = {
  type: 'record',
  name: 'AccountUpdaterEvent',
  namespace: 'com.example.issuer.cards',
  fields: [
    { name: 'event_uid', type: 'string' },
    { name: 'event', type: 'string' },
    { name: 'user_id', type: ['null', 'string'], default: null },
    {
      name: 'data',
      type: {
        type: 'record',
        name: 'AccountUpdate',
        fields: [
          { name: 'id', type: 'string' },
          { name: 'status', type: 'string' },
          { name: 'type', type: 'string' },
          { name: 'updated_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        ],
      },
    },
  ],
} as const

const issuerType = avsc.Type.forSchema(ISSUER_SCHEMA as unknown as avsc.Schema)

/** A record as a producer takes it. Key: the card, as issuers key by card as often as by user. */
export interface LifecycleRecord {
  readonly key: string
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** @param schemaId id of `ISSUER_SCHEMA` in the registry */
export const lifecycleRecord = (
  step: EventStep,
  userId: string,
  startedAtMs: number,
  schemaId: number,
): LifecycleRecord => {
  const updatedAtMs = startedAtMs + step.atS * 1000
  const head = { event_uid: step.uid ?? randomUUID(), event: 'CARD_AUTOMATICALLY_UPDATED' }
  const data = { id: step.card, status: step.status ?? 'enrolled', type: step.type }
  const user = step.user === 'field' ? { user_id: userId } : {}
  const value =
    step.encoding === 'avro'
      ? framed(schemaId, { user_id: null, ...head, ...user, data: { ...data, updated_at: updatedAtMs } })
      : Buffer.from(
          JSON.stringify({ ...head, ...user, data: { ...data, updated_at: new Date(updatedAtMs).toISOString() } }),
        )
  return { key: step.card, value, headers: step.user === 'header' ? { [USER_ID_HEADER]: userId } : {} }
}

const framed = (schemaId: number, value: object): Buffer => {
  const head = Buffer.alloc(FRAME_HEADER_BYTES)
  writeFrameHeader(head, 0, schemaId)
  return Buffer.concat([head, issuerType.toBuffer(value)])
}
