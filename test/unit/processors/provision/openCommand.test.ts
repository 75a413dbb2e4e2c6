import { readdirSync, readFileSync } from 'node:fs'
import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createLedgerCodec,
  laneOf,
  LEDGER_VERSION,
  openCommand,
} from '../../../../src/processors/provision/openCommand.ts'
import type { OpenCommand } from '../../../../src/processors/provision/openCommand.ts'
import { command } from './fakePorts.ts'
import { encode } from './fakeTask.ts'

const codec = createLedgerCodec()

function schemaOf(path: string): avsc.Schema {
  return JSON.parse(readFileSync(new URL(`../../../../schemas/${path}`, import.meta.url), 'utf8')) as avsc.Schema
}

const time = fc.option(fc.nat(2 ** 48))
const text = fc.option(fc.string({ unit: 'grapheme' }))
const position = fc.record({
  topic: fc.string(),
  partition: fc.nat(1_000),
  offset: fc.nat(2 ** 50),
  event_id: text,
})
const entry: fc.Arbitrary<OpenCommand> = fc.record({
  command_id: fc.string(),
  kind: fc.constantFrom('DISCOVER', 'SWITCH', 'RECONCILE'),
  user_id: fc.string({ unit: 'grapheme' }),
  card_ref: text,
  card_version: fc.option(fc.nat()),
  merchant_id: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  task_id: text,
  attempt: fc.nat(10),
  not_before: time,
  not_after: time,
  decision_seq: fc.nat(2 ** 50),
  source: position,
  origin: position,
  state: fc.constantFrom('WAITING', 'STARTED', 'REPORTED'),
  tries: fc.nat(1_000),
  wake_at: time,
  rekeyed: fc.boolean(),
  maybe_landed: fc.boolean(),
  started_at: time,
  send_by: time,
  vault_version: text,
})

describe('the ledger codec', () => {
  it('reads what it wrote, anywhere in a buffer', () => {
    fc.assert(
      fc.property(entry, fc.nat(50), (value, before) => {
        const bytes = encode(codec, value)
        const buffer = Buffer.alloc(before + bytes.length + 9, 0xff)
        expect(codec.encode(value, buffer, before)).toBe(before + bytes.length)
        expect(codec.decode(buffer, before, before + bytes.length)).toEqual(value)
      }),
    )
  })

  it('says how long a buffer must be', () => {
    fc.assert(
      fc.property(entry, fc.integer({ min: 1, max: 30 }), (value, length) => {
        const end = codec.encode(value, Buffer.alloc(length), 0)
        if (end > length) expect(codec.encode(value, Buffer.alloc(end), 0)).toBe(end)
        else expect(codec.decode(encode(codec, value), 0, end)).toEqual(value)
      }),
    )
  })

  it('refuses bytes that are cut short or too many', () => {
    const bytes = encode(codec, openCommand(command(1), 'SWITCH'))
    for (let end = 0; end < bytes.length; end++) expect(() => codec.decode(bytes, 0, end)).toThrow()
    expect(() => codec.decode(Buffer.concat([bytes, bytes]), 0, bytes.length + 1)).toThrow()
  })

  it('reads what was written before entries said their version', () => {
    const type = avsc.Type.forSchema(schemaOf('state/history/provision-open-command/1.avsc'))
    fc.assert(
      fc.property(entry, value => {
        const bytes = type.toBuffer(value)
        expect(codec.decode(bytes, 0, bytes.length)).toEqual(value)
      }),
    )
  })

  it('refuses an entry of a later release, with what to do', () => {
    const bytes = encode(codec, openCommand(command(1), 'SWITCH'))
    bytes[0] = bytes[0]! + 2
    expect(() => codec.decode(bytes, 0, bytes.length)).toThrow(
      'A value of provision-open-command was written by a newer release (version 2, this release reads up to 1). The operator must deploy that',
    )
  })

  it('a change of its schema needs a new version and a new file', () => {
    const history = readdirSync(new URL('../../../../schemas/state/history/provision-open-command/', import.meta.url))
    expect(history).toEqual(Array.from({ length: LEDGER_VERSION - 1 }, (_, index) => `${index + 1}.avsc`))
    const newest = `state/history/provision-open-command/${LEDGER_VERSION - 1}.avsc`
    expect(schemaOf('provision-open-command.avsc')).toEqual(schemaOf(newest))
  })

  it('every field of its schema is documented', () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../../../schemas/provision-open-command.avsc', import.meta.url), 'utf8'),
    ) as { fields: { name: string; doc?: string }[] }
    expect(schema.fields.filter(({ doc }) => !doc)).toEqual([])
    expect(schema.fields.map(({ name }) => name)).toEqual(Object.keys(openCommand(command(1), 'SWITCH')))
  })
})

describe('lanes', () => {
  const lane = (change: Parameters<typeof command>[1], kind: OpenCommand['kind'] = 'SWITCH') =>
    laneOf(openCommand(command(1, change), kind))

  it("SWITCH and RECONCILE of one account share one, DISCOVER has that of the user's card", () => {
    expect(lane({}, 'RECONCILE')).toBe(lane({}))
    expect(lane({ merchant_id: 12 })).not.toBe(lane({}))
    expect(lane({ user_id: 'bob' })).not.toBe(lane({}))
    expect(lane({}, 'DISCOVER')).not.toBe(lane({}))
    expect(lane({ merchant_id: 12 }, 'DISCOVER')).toBe(lane({}, 'DISCOVER'))
    expect(lane({ card_ref: 'card-b' }, 'DISCOVER')).not.toBe(lane({}, 'DISCOVER'))
    expect(lane({ user_id: 'bob' }, 'DISCOVER')).not.toBe(lane({}, 'DISCOVER'))
  })
})
