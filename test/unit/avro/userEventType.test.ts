import { describe, expect, it } from 'vitest'
import { bareCodec, decodeAll } from '../../../src/avro/codecs.ts'
import { avroType, readSchemaFile } from '../../../src/avro/schemaFiles.ts'
import { resolvedUserEvents, userEventType } from '../../../src/avro/userEventType.ts'
import type { UserEvent, UserEventBody } from '../../../src/domain/records.ts'
import { sampleBodies, sampleLifecycle, userEventOf } from '../../support/sampleRecords.ts'

const codec = bareCodec(userEventType())
const wire = avroType(readSchemaFile('user-event'))

const RECORD_NAMES = { lifecycle: 'Lifecycle', knot: 'Knot', result: 'CommandResult', operator: 'OperatorCommand' }

function encoded(event: UserEvent): Buffer {
  const buffer = Buffer.alloc(2_000)
  return buffer.subarray(0, codec.encode(event, buffer, 0))
}

function withoutKind(body: UserEventBody): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'kind'))
}

describe.each(sampleBodies.map(body => [body.kind, body] as const))('a user event of kind %s', (kind, body) => {
  const event = userEventOf(body)

  it('comes back as it was written', () => {
    const bytes = encoded(event)
    expect(codec.decode(bytes, 0, bytes.length)).toEqual(event)
  })

  it('has kind as a field of its own: a copy keeps it', () => {
    const bytes = encoded(event)
    expect({ ...codec.decode(bytes, 0, bytes.length).body }.kind).toBe(kind)
  })

  it('is plain Avro of the registered schema on the wire, without kind', () => {
    const fields = withoutKind(body)
    const onWire = { ...event, body: { [`io.onfile.v1.${RECORD_NAMES[kind]}`]: fields } }
    expect(encoded(event)).toEqual(wire.toBuffer(onWire))
    expect(wire.fromBuffer(encoded(event))).toEqual(onWire)
  })

  it('is read through a resolver where another version wrote it', () => {
    const bytes = encoded(event)
    expect(decodeAll(resolvedUserEvents(wire), bytes, 0, bytes.length)).toEqual(event)
  })
})

describe('a user event of a newer version', () => {
  it('is read without what this version does not know', () => {
    const schema = structuredClone(readSchemaFile('user-event'))
    const newer = avroType({
      ...schema,
      fields: [{ name: 'added', type: ['null', 'string'], default: null }, ...schema.fields],
    })
    const fields = withoutKind(sampleLifecycle)
    const bytes = newer.toBuffer({
      ...userEventOf(sampleLifecycle),
      added: 'x',
      body: { 'io.onfile.v1.Lifecycle': fields },
    })
    const read = decodeAll(resolvedUserEvents(newer), bytes, 0, bytes.length)
    expect(read).toEqual(userEventOf(sampleLifecycle))
  })
})
