/**
 * Codecs and INGEST without a broker: nanoseconds of CPU per value. `node bench/avro.ts`
 * The decode of a user event is on DECIDE's hot path, the encode of an outcome too; INGEST judges, scans and encodes.
 * Words and numbers come first, through avsc's types and ours in turn. `--primitives`: nothing else.
 */
import { parseArgs } from 'node:util'
import avsc from 'avsc'
import { asciiText, isAscii } from '../src/avro/asciiText.ts'
import { framedCodec } from '../src/avro/codecs.ts'
import type { Codec } from '../src/avro/codecs.ts'
import { longs } from '../src/avro/longType.ts'
import { recordCodecs } from '../src/avro/records.ts'
import { readSchemaFile } from '../src/avro/schemaFiles.ts'
import { textStrings } from '../src/avro/textType.ts'
import type { CardOutcome, SourcePosition, UserEvent, UserEventBody } from '../src/domain/records.ts'
import { newCard, NEW_USER } from '../src/domain/userState.ts'
import type { RecordView } from '../src/kafka/recordBatch.ts'
import { createUserStateCodec } from '../src/processors/decide/stateCodecs.ts'
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
import { raceCodecs } from './race/records.ts'

/** The best of several rounds: what else runs on the machine costs caches and half a core, never less than nothing. */
const ROUNDS = 10
const ROUND_RUNS = 40_000
/** Different values in turn: one that is read again and again would flatter caches, the processor's and our own. */
const VALUES = 4_096

function measure(name: string, run: (count: number) => void): void {
  measureInTurn(name, { '': run })
}

function measureInTurn(name: string, sides: Readonly<Record<string, (count: number) => void>>): void {
  const leastUs = new Map<string, number>()
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [side, run] of Object.entries(sides)) {
      const before = process.cpuUsage()
      for (let count = 0; count < ROUND_RUNS; count++) run(count)
      const { user, system } = process.cpuUsage(before)
      if (round > 0) leastUs.set(side, Math.min(leastUs.get(side) ?? Infinity, user + system))
    }
  }
  const figures = [...leastUs].map(([side, us]) => `${side} ${((us * 1_000) / ROUND_RUNS).toFixed(0).padStart(6)} ns`)
  console.log(`${name.padEnd(44)}${figures.join(', ')}`)
}

/** One value at a time through avsc's own type and through ours. */
function measurePrimitive(name: string, schema: 'string' | 'long', valueOf: (i: number) => unknown): void {
  const own = avsc.Type.forSchema(schema, { typeHook: schema === 'string' ? textStrings : longs })
  const theirs = avsc.Type.forSchema(schema)
  const values = Array.from({ length: VALUES }, (_, i) => valueOf(i))
  const scratch = Buffer.alloc(1 << 10)
  const encoded = values.map(value => theirs.toBuffer(value))
  const buffer = Buffer.concat(encoded)
  const starts = [0]
  for (const { length } of encoded) starts.push(starts.at(-1)! + length)
  const encode = (type: avsc.Type) => (count: number) => void type.encode(values[count % VALUES], scratch, 0)
  const decode = (type: avsc.Type) => (count: number) => void type.decode(buffer, starts[count % VALUES])
  measureInTurn(`${name}: encode`, { avsc: encode(theirs), own: encode(own) })
  measureInTurn(`${name}: decode`, { avsc: decode(theirs), own: decode(own) })
}

/** Bytes to a string: Node's call against `asciiText.ts`. */
function measureText(length: number): void {
  const words = Array.from({ length: VALUES }, (_, i) => hex(i).repeat(3).slice(0, length))
  const buffer = Buffer.from(words.join('')) as Buffer & { utf8Slice(start: number, end: number): string }
  const at = (count: number): number => (count % VALUES) * length
  measureInTurn(`${length} bytes of ASCII to a string`, {
    Node: count => void buffer.utf8Slice(at(count), at(count) + length),
    own: count => isAscii(buffer, at(count), at(count) + length) && void asciiText(buffer, at(count), length),
  })
}

function measureCodec<T>(name: string, codec: Codec<T>, valueOf: (i: number) => T): void {
  const values = Array.from({ length: VALUES }, (_, i) => valueOf(i))
  const scratch = Buffer.alloc(1 << 16)
  const starts = [0]

  const parts = values.map(value => Buffer.from(scratch.subarray(0, codec.encode(value, scratch, 0))))
  for (const part of parts) starts.push(starts.at(-1)! + part.length)
  const buffer = Buffer.concat(parts)
  const title = `${name}, ${Math.round(buffer.length / VALUES)} bytes`
  measure(`${title}: encode`, count => void codec.encode(values[count % VALUES]!, scratch, 0))
  measure(`${title}: decode`, count => {
    const i = count % VALUES
    codec.decode(buffer, starts[i]!, starts[i + 1]!)
  })
}

const hex = (i: number): string => (Math.imul(i + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0')
const uuid = (i: number): string => `${hex(i)}-7b1c-4d2e-${hex(i + 1).slice(4)}-${hex(i + 2)}9af9`
const userId = (i: number): string => `user-${String(i).padStart(6, '0')}`
const source = (i: number): SourcePosition => ({
  topic: 'card-lifecycle',
  partition: i % 12,
  offset: 1e9 + i,
  event_id: uuid(i),
})

for (const length of [3, 7, 11, 12]) measureText(length)
for (const length of [7, 12, 24])
  measurePrimitive(`a text of ${length}`, 'string', i => hex(i).repeat(3).slice(0, length))
measurePrimitive('a time', 'long', i => 1_743_132_938_947 + i)
measurePrimitive('an offset', 'long', i => 1e9 + i)
measurePrimitive('a small number', 'long', i => i % 100)
if (parseArgs({ options: { primitives: { type: 'boolean', default: false } } }).values.primitives) process.exit(0)

const ids = { 'user-event': 1, 'provisioning-command': 2, 'card-outcome': 3, 'card-suppression': 4 }
const codecs = recordCodecs(new SchemaShelf(), ids)
const eventOf = (body: UserEventBody, i: number): UserEvent => ({
  ...userEventOf(body),
  user_id: userId(i),
  source: source(i),
  origin: source(i),
})
const outcomeOf = (i: number): CardOutcome => ({
  ...sampleOutcome,
  outcome_id: `${userId(i)}:8`,
  user_id: userId(i),
  card_ref: uuid(i + 5),
  command_id: `${userId(i)}:7`,
  source: source(i),
  origin: source(i),
})
measureCodec('user event, lifecycle', codecs.userEvents, i =>
  eventOf({ ...sampleLifecycle, event_uid: hex(i) + hex(i + 9) + hex(i + 3) + hex(i + 4), card_ref: uuid(i + 5) }, i),
)
measureCodec('user event, knot', codecs.userEvents, i =>
  eventOf({ ...sampleKnot, task_id: String(25_605 + i), card_id: String(123_456_789 + i) }, i),
)
measureCodec('user event, result', codecs.userEvents, i =>
  eventOf(
    { ...sampleResult, command_id: `${userId(i)}:7`, card_ref: uuid(i + 5), accounts: [], removed: [], under_way: [] },
    i,
  ),
)
measureCodec('outcome', codecs.cardOutcomes, outcomeOf)
measureCodec('command', codecs.provisioningCommands, i => ({
  ...{ ...sampleCommand, cancels: null, command_id: `${userId(i)}:7`, user_id: userId(i), card_ref: uuid(i + 5) },
  ...{ source: source(i), origin: source(i) },
}))
measureCodec('state of a user', createUserStateCodec(), i => ({
  ...NEW_USER,
  decision_seq: i,
  cards: [newCard(uuid(i)), newCard(uuid(i + 1))],
  merchants: [11, 12, 13],
  events: Array.from({ length: 8 }, (_, n) => ({ key: uuid(i * 8 + n), print: 1e15 + i, at: 1_743_132_938_947 + n })),
}))
const race = raceCodecs()
const TYPES = ['updated', 'expired', 'closed', 'opt_out', 'enrolled'] as const
measureCodec("the race's event", race.events, i => ({
  ...{ event_id: uuid(i), type: TYPES[i % 5]!, user_id: userId(i), card_ref: `card-${String(i).padStart(6, '0')}` },
  ...{ updated_at: 1_750_000_000_000 + i, source_topic: 'card-lifecycle', source_offset: i },
}))
measureCodec("the race's state", race.states, i => ({
  ...{ user_id: userId(i), suppressed: false, last_updated_at: 1_750_000_000_000 + i, seq: 5 },
  recent_event_ids: Array.from({ length: 5 }, (_, n) => uuid(i * 5 + n)),
  cards: [0, 1].map(n => ({ card_ref: `card-${String(i * 2 + n).padStart(6, '0')}`, status: TYPES[n]!, version: 3 })),
}))
measureCodec(
  'outcome, plain avsc type',
  framedCodec<CardOutcome>(
    avsc.Type.forSchema(readSchemaFile('card-outcome') as unknown as avsc.Schema, { omitRecordMethods: true }),
    3,
  ),
  outcomeOf,
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
