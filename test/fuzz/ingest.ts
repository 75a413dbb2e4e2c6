import { InputNotReadyError } from '../../src/engine/processor.ts'
import type { Processor } from '../../src/engine/processor.ts'
import { RecordView } from '../../src/kafka/recordView.ts'
import { ingestHarness, TOPICS } from '../support/ingestHarness.ts'
import type { IngestHarness } from '../support/ingestHarness.ts'
import { inputSamples } from './avro.ts'
import { KNOT_SCHEMA, LIFECYCLE_SCHEMA } from './issuerSchemas.ts'
import { plainSample } from './sample.ts'
import type { Sample } from './sample.ts'
import { Broken } from './target.ts'
import type { Target } from './target.ts'

const LIFECYCLE = {
  event_uid: 'd2e9f63779ad668603a51b563ec68b6f',
  event: 'CARD_AUTOMATICALLY_UPDATED',
  user_id: 'user-1',
  data: { id: 'card-1', token: 't', status: 'enrolled', type: 'updated', updated_at: '2025-03-28T03:35:38.947Z' },
}
const WEBHOOK = {
  event: 'CARD_FAILED',
  session_id: 'fb5aa994-ed1c-4c3e-b29a-b2a53222e584',
  task_id: 25605,
  external_user_id: 'user-1',
  merchant: { id: 11, name: 'Uber' },
  data: { card_id: '123456789', reason: 'card cvv' },
  timestamp: 1_710_864_923_198,
}
const DEEP = 1_000

/**
 * The role INGEST on one record, from its bytes to what it forwards: JSON and Avro, both feeds. Whatever the value is, it
 * becomes exactly one record or is counted as ignored; only a schema that must be looked up first may hold it.
 */
export async function ingestTargets(): Promise<readonly Target[]> {
  return [
    await ingestTarget('INGEST of card-lifecycle', TOPICS.cardLifecycle, LIFECYCLE, LIFECYCLE_SCHEMA),
    await ingestTarget('INGEST of knot-events', TOPICS.knotEvents, WEBHOOK, KNOT_SCHEMA),
  ]
}

async function ingestTarget(name: string, topic: string, json: object, schema: object): Promise<Target> {
  const harness = ingestHarness()
  harness.directory.ask = () => 'user-1'
  const type = harness.schemas.add(7, schema)
  const avro = inputSamples(name, 7, type, schema)
  const processor = harness.processor(topic)
  const known = avro.map(({ bytes }) => viewOf(bytes))
  await processor.prepare?.(known, new AbortController().signal)
  return {
    name,
    samples: [...jsonSamples(json), ...avro],
    decode: bytes => process(harness, processor, viewOf(bytes)),
    isTyped: error => error instanceof InputNotReadyError,
    share: 0.5,
  }
}

function process(harness: IngestHarness, processor: Processor, record: RecordView): void {
  const ignored = countIgnored(harness)
  processor.onRecord(record, harness.context)
  const forwarded = harness.context.forwarded.splice(0).length
  const explained = forwarded + countIgnored(harness) - ignored
  if (explained !== 1) throw new Broken(`one record became ${explained}`)
}

function countIgnored({ counts }: IngestHarness): number {
  let sum = 0
  for (const [label, count] of counts) if (label.startsWith('ignored')) sum += count
  return sum
}

function jsonSamples(value: object): readonly Sample[] {
  const text = JSON.stringify(value)
  const deep = text.replace('"event"', `"deep":${'['.repeat(DEEP)}${']'.repeat(DEEP)},"event"`)
  return [text, text, JSON.stringify(value, null, 1), `\uFEFF${text}`, deep].map(one => plainSample(Buffer.from(one)))
}

let offset = 0

/**
 * A record as a batch shows it, at an offset of its own: a verdict of `prepare` counts for that offset. Its time follows
 * from its bytes, so that strange ones come too.
 */
function viewOf(value: Buffer): RecordView {
  const view = new RecordView()
  view.buffer = value
  view.offset = offset++
  view.timestamp = STRANGE_TIMES[value.length % STRANGE_TIMES.length]!
  view.valueStart = 0
  view.valueEnd = value.length
  view.headersStart = value.length
  view.recordEnd = value.length
  return view
}

const STRANGE_TIMES = [1_743_000_000_000, 1_743_000_000_000, -1, 0, 2 ** 62, -(2 ** 62)]
