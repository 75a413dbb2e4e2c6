import { describe, expect, it } from 'vitest'
import { recordCodecs } from '../../../src/avro/records.ts'
import type { RecordCodec } from '../../../src/avro/records.ts'
import { readSchemaFile } from '../../../src/avro/schemaFiles.ts'
import { SchemaShelf } from '../../support/ingestHarness.ts'
import {
  sampleCommand,
  sampleLifecycle,
  sampleOutcome,
  sampleSuppression,
  userEventOf,
} from '../../support/sampleRecords.ts'

const IDS = { 'user-event': 11, 'provisioning-command': 12, 'card-outcome': 13, 'card-suppression': 14 }

function encoded<T>(codec: RecordCodec<T>, value: T): Buffer {
  const buffer = Buffer.alloc(2_000)
  return buffer.subarray(0, codec.encode(value, buffer, 0))
}

const codecs = recordCodecs(new SchemaShelf(), IDS)

describe('the codecs of the records', () => {
  it('write each record with its own schema id and read it back', () => {
    const cases: [RecordCodec<never>, object, number][] = [
      [codecs.userEvents as RecordCodec<never>, userEventOf(sampleLifecycle), 11],
      [codecs.provisioningCommands as RecordCodec<never>, sampleCommand, 12],
      [codecs.cardOutcomes as RecordCodec<never>, sampleOutcome, 13],
      [codecs.cardSuppressions as RecordCodec<never>, sampleSuppression, 14],
    ]
    for (const [codec, value, id] of cases) {
      const bytes = encoded(codec, value as never)
      expect(bytes.readInt32BE(1)).toBe(id)
      expect(codec.schemaId).toBe(id)
      expect(codec.missing(bytes, 0, bytes.length)).toBeUndefined()
      expect(codec.decode(bytes, 0, bytes.length)).toEqual(value)
    }
  })

  it('read the version of another release once its schema is loaded', async () => {
    const shelf = new SchemaShelf()
    shelf.add(99, readSchemaFile('user-event'))
    const mine = recordCodecs(shelf, IDS).userEvents
    const theirs = recordCodecs(shelf, { ...IDS, 'user-event': 99 }).userEvents
    const bytes = encoded(theirs, userEventOf(sampleLifecycle))
    expect(mine.missing(bytes, 0, bytes.length)).toBe(99)
    await mine.load(99)
    expect(mine.missing(bytes, 0, bytes.length)).toBeUndefined()
    expect(mine.decode(bytes, 0, bytes.length)).toEqual(userEventOf(sampleLifecycle))
  })

  it('read an enum symbol that a newer release added as UNKNOWN', async () => {
    const shelf = new SchemaShelf()
    const text = JSON.stringify(readSchemaFile('card-outcome')).replace('"EXTERNAL"]', '"EXTERNAL","BRAND_NEW"]')
    const newer = shelf.add(99, JSON.parse(text) as object)
    const mine = recordCodecs(shelf, IDS).cardOutcomes
    const body = newer.toBuffer({ ...sampleOutcome, status: 'BRAND_NEW' })
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 99]), body])
    await mine.load(99)
    expect(mine.decode(bytes, 0, bytes.length)).toEqual({ ...sampleOutcome, status: 'UNKNOWN' })
  })
})
