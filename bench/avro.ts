/**
 * Codecs and INGEST without a broker: nanoseconds per value on one core. `node bench/avro.ts`
 * The decode of a user event is on DECIDE's hot path, the encode of an outcome too; INGEST judges, scans and encodes.
 */
import { framedCodec } from '../src/avro/codecs.ts'
import type { Codec } from '../src/avro/codecs.ts'
import { recordCodecs } from '../src/avro/records.ts'
import { avroType, readSchemaFile } from '../src/avro/schemaFiles.ts'
import type { CardOutcome } from '../src/domain/records.ts'
import type { RecordView } from '../src/kafka/recordBatch.ts'
import { TOPICS, SchemaShelf, framed, ingestHarness } from '../test/support/ingestHarness.ts'
import { recordView } from '../test/support/recordView.ts'
import {
  sampleCommand,
  sampleKnot,
  sampleLifecycle,
  sampleOutcome,
  sampleResult,
  userEventOf,
} from '../test/support/sampleRecords.ts'

const RUNS = 400_000

function measure(name: string, run: () => void): void {
  for (let count = 0; count < RUNS / 4; count++) run()
  const startedAtNs = process.hrtime.bigint()
  for (let count = 0; count < RUNS; count++) run()
  const tookNs = Number(process.hrtime.bigint() - startedAtNs)
  console.log(`${name.padEnd(44)} ${(tookNs / RUNS).toFixed(0).padStart(6)} ns`)
}

function measureCodec<T>(name: string, codec: Codec<T>, value: T): void {
  const buffer = Buffer.alloc(4_096)
  const end = codec.encode(value, buffer, 0)
  measure(`${name}, ${end} bytes: encode`, () => void codec.encode(value, buffer, 0))
  measure(`${name}, ${end} bytes: decode`, () => void codec.decode(buffer, 0, end))
}

const ids = { 'user-event': 1, 'provisioning-command': 2, 'card-outcome': 3, 'card-suppression': 4 }
const codecs = recordCodecs(new SchemaShelf(), ids)
measureCodec('user event, lifecycle', codecs.userEvents, userEventOf(sampleLifecycle))
measureCodec('user event, knot', codecs.userEvents, userEventOf(sampleKnot))
measureCodec(
  'user event, result',
  codecs.userEvents,
  userEventOf({ ...sampleResult, accounts: [], removed: [], under_way: [] }),
)
measureCodec('outcome', codecs.cardOutcomes, sampleOutcome)
measureCodec('command', codecs.provisioningCommands, { ...sampleCommand, cancels: null })
measureCodec(
  'outcome, plain avsc type',
  framedCodec<CardOutcome>(avroType(readSchemaFile('card-outcome')), 3),
  sampleOutcome,
)

const harness = ingestHarness()
const event = {
  event_uid: 'd2e9f63779ad668603a51b563ec68b6f',
  event: 'CARD_AUTOMATICALLY_UPDATED',
  user_id: 'user-000123',
  data: {
    token: 'card_sandbox_8Aq30HAc8TLFUFvTjqwo556i',
    id: '1d15778a-64fb-459b-8c19-e8b5da0a9af9',
    status: 'enrolled',
    type: 'updated',
    updated_at: '2025-03-28T03:35:38.947Z',
  },
}
const type = harness.schemas.add(7, readSchemaFile('in/card-lifecycle'))
const lifecycle = { ...event, external_user_id: null, data: { ...event.data, user_id: null, external_user_id: null } }
const knot = {
  event: 'CARD_FAILED',
  session_id: 'fb5aa994-ed1c-4c3e-b29a-b2a53222e584',
  task_id: 25605,
  external_user_id: '3dcbb19a-b2f1-4a7b-8792-d76027b627b3',
  merchant: { id: 11, name: 'Uber' },
  data: { card_id: '123456789', reason: 'card cvv' },
  timestamp: 1710864923198,
}

async function measureIngest(name: string, record: RecordView, topic: string): Promise<void> {
  const processor = harness.processor(topic)
  await processor.prepare!([record], new AbortController().signal)
  measure(`INGEST, ${name}`, () => {
    processor.onRecord(record, harness.context)
    harness.context.forwarded.length = 0
  })
}

await measureIngest('lifecycle as JSON', recordView({ value: JSON.stringify(event) }), TOPICS.cardLifecycle)
await measureIngest('lifecycle as Avro', recordView({ value: framed(7, type, lifecycle) }), TOPICS.cardLifecycle)
await measureIngest('Knot webhook as JSON', recordView({ value: JSON.stringify(knot) }), TOPICS.knotEvents)
