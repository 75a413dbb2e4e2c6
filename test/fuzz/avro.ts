import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import type { Type } from 'avsc'
import { bareCodec, framedCodec } from '../../src/avro/codecs.ts'
import type { Codec, ValueType } from '../../src/avro/codecs.ts'
import { AvroDecodeError, UnknownSchemaError, ValueTooNewError } from '../../src/avro/errors.ts'
import { frameSchemaId } from '../../src/avro/frame.ts'
import { recordCodecs } from '../../src/avro/records.ts'
import type { RecordCodec } from '../../src/avro/records.ts'
import { typeHook } from '../../src/avro/typeHook.ts'
import { inputReaders } from '../../src/processors/ingest.ts'
import {
  createForgottenUserCodec,
  createMerchantStateCodec,
  createTotalsCodec,
  createUserStateCodec,
} from '../../src/processors/decide/stateCodecs.ts'
import { createLedgerCodec } from '../../src/processors/provision/openCommand.ts'
import { framed, SchemaShelf } from '../support/ingestHarness.ts'
import { sampleBodies, sampleCommand, sampleOutcome, sampleSuppression, userEventOf } from '../support/sampleRecords.ts'
import { valueOf } from './avroValues.ts'
import { LIFECYCLE_SCHEMA, KNOT_SCHEMA } from './issuerSchemas.ts'
import { Random } from './random.ts'
import { plainSample } from './sample.ts'
import type { Sample } from './sample.ts'
import { Broken } from './target.ts'
import type { Target } from './target.ts'

const IDS = { 'user-event': 1, 'provisioning-command': 2, 'card-outcome': 3, 'card-suppression': 4 } as const
/** A second id for the same topics: what another release wrote, read by a resolver. */
const OTHER_ID = 100
const SAMPLES_PER_SCHEMA = 6

/** Everything that reads Avro: onfile's topics by this release's schema and by another one's, state, issuers' input. */
export async function avroTargets(): Promise<readonly Target[]> {
  return [...(await recordTargets()), ...stateTargets(), ...containerTargets(), ...(await inputTargets())]
}

async function recordTargets(): Promise<readonly Target[]> {
  const shelf = new SchemaShelf()
  const codecs = recordCodecs(shelf, IDS)
  const events = sampleBodies.map(userEventOf)
  return [
    ...(await twoReaders(shelf, 'user-event', codecs.userEvents, events)),
    ...(await twoReaders(shelf, 'provisioning-command', codecs.provisioningCommands, [sampleCommand])),
    ...(await twoReaders(shelf, 'card-outcome', codecs.cardOutcomes, [sampleOutcome])),
    ...(await twoReaders(shelf, 'card-suppression', codecs.cardSuppressions, [sampleSuppression])),
  ]
}

async function twoReaders<T>(
  shelf: SchemaShelf,
  name: keyof typeof IDS,
  codec: RecordCodec<T>,
  values: readonly T[],
): Promise<readonly Target[]> {
  const otherId = OTHER_ID + IDS[name]
  shelf.add(otherId, schemaFile(`history/${name}/1.avsc`))
  await codec.load(otherId)
  const own = values.map(value => plainSample(encoded(codec, value)))
  const other = own.map(({ bytes }) => {
    const copy = Buffer.from(bytes)
    copy.writeInt32BE(otherId, 1)
    return plainSample(copy)
  })
  const decode = (bytes: Buffer) => {
    codec.missing(bytes, 0, bytes.length)
    readAndWritten(codec, bytes)
  }
  return [
    { name: `${name}, framed`, samples: own, decode, isTyped },
    { name: `${name}, framed by another release`, samples: other, decode, isTyped },
  ]
}

function stateTargets(): readonly Target[] {
  return [
    stateTarget('user state', createUserStateCodec(), 'state/user-state.avsc'),
    stateTarget('merchant state', createMerchantStateCodec(), 'state/merchant-state.avsc'),
    stateTarget('forgotten user', createForgottenUserCodec(), 'state/forgotten-user.avsc'),
    stateTarget('totals', createTotalsCodec(), 'state/totals.avsc'),
    stateTarget('ledger of commands', createLedgerCodec(), 'provision-open-command.avsc'),
  ]
}

function stateTarget<T>(name: string, codec: Codec<T>, file: string): Target {
  const schema = schemaFile(file)
  const values = several(name, random => valueOf(schema, random) as T)
  const samples = values.map(value => plainSample(encoded(codec, value)))
  return { name, samples, decode: bytes => readAndWritten(codec, bytes), isTyped }
}

const scratch = Buffer.alloc(1 << 20)

/** What can be read can be written: a number that does not fit its type would stop a task when it is passed on. */
function readAndWritten<T>(codec: Codec<T>, bytes: Buffer): void {
  const value = codec.decode(bytes, 0, bytes.length)
  try {
    codec.encode(value, scratch, 0)
  } catch (error) {
    throw new Broken(`a value was read that cannot be written: ${String(error)}`)
  }
}

/** Arrays and maps in each other, of things with a size and without: where counts multiply. */
function containerTargets(): readonly Target[] {
  const nested = { type: 'array', items: { type: 'map', values: { type: 'array', items: ['null', 'string'] } } }
  const sizeless = { type: 'array', items: { type: 'array', items: 'null' } }
  const list = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] }
  return [
    containerTarget('arrays and maps in each other', nested),
    containerTarget('arrays of arrays of null', sizeless),
    containerTarget('a record that holds itself', list),
  ]
}

function containerTarget(name: string, schema: object): Target {
  const type = typeOf(schema) as ValueType<unknown>
  const bare = bareCodec(type)
  const inFrame = framedCodec(type, 7)
  const values = several(name, random => valueOf(schema, random))
  return {
    name,
    samples: values.flatMap(value => [plainSample(encoded(inFrame, value)), plainSample(encoded(bare, value))]),
    decode: bytes => readAndWritten(frameSchemaId(bytes, 0, bytes.length) === 7 ? inFrame : bare, bytes),
    isTyped,
    // 65,536 nulls may stand in three bytes: that many pointers.
    allowanceBytes: 4 << 20,
  }
}

async function inputTargets(): Promise<readonly Target[]> {
  const shelf = new SchemaShelf()
  const readers = inputReaders(shelf)
  const feeds = [
    { name: 'lifecycle input', reader: readers.lifecycle, id: 7, schema: LIFECYCLE_SCHEMA },
    { name: 'knot input', reader: readers.knot, id: 8, schema: KNOT_SCHEMA },
  ]
  const targets: Target[] = []
  for (const { name, reader, id, schema } of feeds) {
    const type = shelf.add(id, schema)
    await reader.load(id)
    targets.push({
      name,
      samples: inputSamples(name, id, type, schema),
      decode: bytes => {
        reader.missing(bytes, 0, bytes.length)
        reader.decodeWhole(bytes, 0, bytes.length)
        return reader.decode(bytes, 0, bytes.length)
      },
      isTyped,
    })
  }
  return targets
}

/** Framed values of an issuer's schema. */
export function inputSamples(name: string, id: number, type: Type, schema: object): readonly Sample[] {
  return several(name, random => plainSample(framed(id, type, valueOf(schema, random))))
}

function several<T>(name: string, make: (random: Random) => T): readonly T[] {
  return Array.from({ length: SAMPLES_PER_SCHEMA }, (_, index) => make(new Random(1, name, index)))
}

function encoded<T>(codec: { encode(value: T, buffer: Buffer, position: number): number }, value: T): Buffer {
  const buffer = Buffer.alloc(16 << 10)
  return Buffer.from(buffer.subarray(0, codec.encode(value, buffer, 0)))
}

function schemaFile(path: string): object {
  return JSON.parse(readFileSync(new URL(`../../schemas/${path}`, import.meta.url), 'utf8')) as object
}

function typeOf(schema: object): Type {
  return avsc.Type.forSchema(schema as avsc.Schema, { typeHook })
}

function isTyped(error: unknown): boolean {
  return error instanceof AvroDecodeError || error instanceof UnknownSchemaError || error instanceof ValueTooNewError
}
