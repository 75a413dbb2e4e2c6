import avsc from 'avsc'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { connectRecords } from '../../../src/avro/records.ts'
import { SchemaRegistry } from '../../../src/avro/registry.ts'
import { registeredText } from '../../../src/avro/schemaFiles.ts'
import { schemaCheck, schemaRegister } from '../../../src/avro/subjects.ts'
import { inputReaders } from '../../../src/processors/ingest.ts'
import { sampleLifecycle, sampleOutcome, userEventOf } from '../../support/sampleRecords.ts'

/** Against the real registry of the bed. Topic names are new in each run: subjects stay. */
const run = `avro-${Date.now().toString(36)}`
const topicsOf = (name: string): Parameters<typeof schemaRegister>[1] => ({
  userEvents: `${run}-${name}-user-events`,
  provisioningCommands: `${run}-${name}-commands`,
  cardOutcomes: `${run}-${name}-outcomes`,
  cardSuppressions: `${run}-${name}-suppressions`,
})

const open: SchemaRegistry[] = []

function registryOf(): SchemaRegistry {
  const registry = new SchemaRegistry({ url: inject('registryUrl') })
  open.push(registry)
  return registry
}

afterAll(async () => {
  await Promise.all(open.map(registry => registry.close()))
})

describe('a real schema registry', () => {
  it('holds nothing at first, everything after registering, and the same ids again', async () => {
    const topics = topicsOf('register')
    const registry = registryOf()
    expect(new Set((await schemaCheck(registry, topics)).map(({ state }) => state))).toEqual(new Set(['missing']))
    await expect(connectRecords(registry, topics)).rejects.toMatchObject({
      code: 'schema_missing',
      subject: `${topics.userEvents}-value`,
    })
    const registered = await schemaRegister(registry, topics)
    expect(new Set(registered.map(({ state }) => state))).toEqual(new Set(['registered']))
    expect(await schemaRegister(registryOf(), topics)).toEqual(registered)
    expect(await schemaCheck(registryOf(), topics)).toEqual(registered)
  })

  it('lets one process read what another wrote', async () => {
    const topics = topicsOf('read')
    const writer = await connectRecords(registryOf(), topics, { autoRegister: true })
    const reader = await connectRecords(registryOf(), topics)
    const buffer = Buffer.alloc(1_000)
    const end = writer.cardOutcomes.encode(sampleOutcome, buffer, 0)
    expect(reader.cardOutcomes.decode(buffer, 0, end)).toEqual(sampleOutcome)
  })

  it('gives the schema of another version, which is then resolved', async () => {
    const topics = topicsOf('resolve')
    const registry = registryOf()
    const codecs = await connectRecords(registry, topics, { autoRegister: true })
    const text = registeredText('user-event')
    const newer = text.replace(
      '"fields":[',
      '"fields":[{"name":"added","doc":"New.","type":["null","string"],"default":null},',
    )
    const id = await registry.register(`${topics.userEvents}-value`, newer)
    const body = Object.fromEntries(Object.entries(sampleLifecycle).filter(([name]) => name !== 'kind'))
    const event = { ...userEventOf(sampleLifecycle), added: 'x', body: { 'io.onfile.v1.Lifecycle': body } }
    const value = avsc.Type.forSchema(JSON.parse(newer) as avsc.Schema).toBuffer(event)
    const bytes = Buffer.concat([frame(id), value])
    expect(codecs.userEvents.missing(bytes, 0, bytes.length)).toBe(id)
    await codecs.userEvents.load(id)
    expect(codecs.userEvents.decode(bytes, 0, bytes.length)).toEqual(userEventOf(sampleLifecycle))
    // Older releases keep working beside a newer schema.
    expect((await connectRecords(registryOf(), topics)).userEvents.schemaId).toBe(codecs.userEvents.schemaId)
  })

  it('refuses a schema that older readers could not live with', async () => {
    const topics = topicsOf('refuse')
    const registry = registryOf()
    await schemaRegister(registry, topics)
    const subject = `${topics.cardOutcomes}-value`
    const broken = registeredText('card-outcome').replace('"name":"reason"', '"name":"why"')
    expect((await registry.incompatibilities(subject, broken)).length).toBeGreaterThan(0)
    await expect(registry.register(subject, broken)).rejects.toMatchObject({ code: 'schema_incompatible', subject })
  })

  it('refuses the subject of another system', async () => {
    const topics = topicsOf('foreign')
    const registry = registryOf()
    const subject = `${topics.userEvents}-value`
    await registry.register(subject, '{"type":"record","name":"Other","fields":[{"name":"a","type":"string"}]}')
    await registry.setCompatibility(subject, 'FULL_TRANSITIVE')
    expect((await schemaCheck(registry, topics))[0]).toMatchObject({ subject, state: 'different' })
    await expect(schemaRegister(registry, topics)).rejects.toMatchObject({ code: 'schema_incompatible', subject })
  })

  it('says of an id whether it knows it, and whether it is Avro', async () => {
    const registry = registryOf()
    await expect(registry.typeById(2_000_000_000)).rejects.toMatchObject({ code: 'unknown_schema' })
  })

  it("serves the schema of an issuer's event, read by field names", async () => {
    const registry = registryOf()
    const schema = {
      type: 'record',
      name: 'Updated',
      namespace: 'com.bank',
      fields: [
        { name: 'event_uid', type: 'string' },
        {
          name: 'data',
          type: {
            type: 'record',
            name: 'Card',
            fields: [
              { name: 'id', type: 'string' },
              { name: 'updated_at', type: { type: 'long', logicalType: 'timestamp-micros' } },
            ],
          },
        },
      ],
    }
    const id = await registry.register(`${run}-card-lifecycle-value`, JSON.stringify(schema))
    const value = avsc.Type.forSchema(schema as unknown as avsc.Schema).toBuffer({
      event_uid: 'e',
      data: { id: 'c', updated_at: 1_743_132_938_947_000 },
    })
    const bytes = Buffer.concat([frame(id), value])
    const reader = inputReaders(registry).lifecycle
    expect(reader.missing(bytes, 0, bytes.length)).toBe(id)
    await reader.load(id)
    expect(reader.decode(bytes, 0, bytes.length)).toMatchObject({
      event_uid: 'e',
      data: { id: 'c', updated_at: 1_743_132_938_947 },
    })
  })
})

function frame(id: number): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return header
}
