import avsc from 'avsc'
import { describe, expect, it, vi } from 'vitest'
import { boundedContainers } from '../../../src/avro/boundedContainers.ts'
import { decodeAll } from '../../../src/avro/codecs.ts'
import type { ValueReader } from '../../../src/avro/codecs.ts'

const writerSchema = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'list', type: { type: 'array', items: 'string' } },
    { name: 'map', type: { type: 'map', values: 'bytes' } },
    { name: 'nothing', type: { type: 'array', items: 'null' } },
    { name: 'id', type: 'string' },
  ],
} as const
const readerSchema = { type: 'record', name: 'R', fields: [{ name: 'id', type: 'string' }] } as const

const bounded = (schema: object): avsc.Type =>
  avsc.Type.forSchema(schema as avsc.Schema, { typeHook: boundedContainers })
const reading = bounded(writerSchema)
const skipping = resolving(bounded(readerSchema), bounded(writerSchema))

function resolving(reader: avsc.Type, writer: avsc.Type): ValueReader<unknown> {
  const resolver = reader.createResolver(writer)
  return { decode: (buffer, start) => reader.decode(buffer, start, resolver) }
}

const VALUE = { list: ['a', 'b'], map: { k: Buffer.from('v') }, nothing: [null, null], id: 'x' }

describe('arrays and maps', () => {
  it('are written as avsc writes them, and read back', () => {
    const bytes = avsc.Type.forSchema(writerSchema as unknown as avsc.Schema).toBuffer(VALUE)
    expect(reading.toBuffer(VALUE)).toEqual(bytes)
    const read = decodeAll<typeof VALUE>(reading, bytes, 0, bytes.length)
    expect({ ...read, map: { ...read.map } }).toEqual(VALUE)
    expect(decodeAll(skipping, bytes, 0, bytes.length)).toEqual({ id: 'x' })
  })

  it('are read from blocks with a size too', () => {
    const bytes = Buffer.concat([Buffer.from([0x01, 0x04, 0x02, 0x61, 0x00, 0x00, 0x00]), Buffer.from([0x02, 0x78])])
    expect(decodeAll(reading, bytes, 0, bytes.length)).toMatchObject({ list: ['a'], id: 'x' })
    expect(decodeAll(skipping, bytes, 0, bytes.length)).toEqual({ id: 'x' })
  })
})

const HUGE = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x07]
const corrupt: [string, number[]][] = [
  ['a huge count of strings', [...HUGE, 0x02, 0x61]],
  ['a count that is larger than the rest', [0xfe, 0xff, 0x0f, 0x02, 0x61]],
  ['a negative block size', [0x01, 0x09, 0x02, 0x61, 0x00]],
  ['a string of negative length', [0x08, 0x09, 0x02]],
  ['a huge count of map entries', [0x00, ...HUGE, 0x02, 0x61]],
  ['a negative block size of a map', [0x00, 0x01, 0x09, 0x02, 0x61]],
  ['bytes of negative length in a map', [0x00, 0x08, 0x02, 0x61, 0x0f]],
  ['a huge count of nulls', [0x00, 0x00, ...HUGE]],
]

describe.each([
  ['read', reading],
  ['skipped', skipping],
] as const)('when %s, corrupt counts', (_how, reader: ValueReader<unknown>) => {
  it.each(corrupt)('end at once: %s', (_what, head) => {
    const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(64)])
    const startedAtMs = performance.now()
    expect(() => decodeAll(reader, bytes, 0, bytes.length)).toThrow()
    expect(performance.now() - startedAtMs).toBeLessThan(500)
  })
})

it('end at once after a text whose length is no number', () => {
  const endless = [...Array.from({ length: 160 }, () => 0x80), 0x00]
  const type = bounded({ type: 'array', items: { type: 'array', items: 'string' } }) as ValueReader<unknown>
  // 60,000 lists of 60,000 texts.
  const bytes = Buffer.from([0xc0, 0xa9, 0x07, 0xc0, 0xa9, 0x07, ...endless])
  const read = vi.spyOn(avsc.types.StringType.prototype as unknown as { _read(): string }, '_read')
  expect(() => decodeAll(type, bytes, 0, bytes.length)).toThrow()
  expect(read).toHaveBeenCalledTimes(1)
  read.mockRestore()
})

describe('items of no size', () => {
  /** A block of 65,536 items in three bytes. */
  const BLOCK = [0x80, 0x80, 0x08]
  const nulls = bounded({ type: 'array', items: 'null' })
  const nested = bounded({ type: 'array', items: { type: 'array', items: 'null' } })
  const bytesOf = (blocks: number) => Buffer.from([...Array.from({ length: blocks }, () => BLOCK).flat(), 0x00])

  it('are read as long as one value has no more than 65,536, and the next value starts afresh', () => {
    for (let i = 0; i < 3; i++) {
      expect(decodeAll<null[]>(nulls as ValueReader<null[]>, bytesOf(1), 0, 4)).toHaveLength(65_536)
    }
  })

  it.each([
    ['in many blocks', nulls, bytesOf(200)],
    [
      'in many containers',
      nested,
      Buffer.from([0x90, 0x03, ...Array.from({ length: 200 }, () => [...BLOCK, 0x00]).flat(), 0x00]),
    ],
  ])('are an error beyond that: %s', (_, type, bytes) => {
    const startedAtMs = performance.now()
    expect(() => decodeAll(type as ValueReader<unknown>, bytes, 0, bytes.length)).toThrow()
    expect(performance.now() - startedAtMs).toBeLessThan(100)
  })
})
