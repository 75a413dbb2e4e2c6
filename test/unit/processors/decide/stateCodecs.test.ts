import { readFileSync, readdirSync } from 'node:fs'
import avsc from 'avsc'
import { describe, expect, it } from 'vitest'
import type { MerchantState } from '../../../../src/domain/merchantState.ts'
import { newMerchant } from '../../../../src/domain/merchantState.ts'
import type { UserState } from '../../../../src/domain/userState.ts'
import { NEW_USER, newCard } from '../../../../src/domain/userState.ts'
import type { Codec } from '../../../../src/engine/processor.ts'
import {
  createMerchantStateCodec,
  createUserStateCodec,
  STATE_SCHEMAS,
} from '../../../../src/processors/decide/stateCodecs.ts'

const position = { topic: 'card-lifecycle', partition: 2, offset: 12_345_678_901, event_id: 'e' }
const bare = { ...position, event_id: null }

const fullUser: UserState = {
  decision_seq: 4_000_000_000,
  cards: [
    newCard('card-1'),
    {
      card_ref: 'card-2',
      version: 3,
      applied: { updated_at: 1_767_571_200_000, rank: -1, identity: '@t/0/1' },
      renewed_at: 1,
      vault_version: 'v',
      opt_out_lifted_at: 2,
      discovery: {
        command_id: 'u:1',
        card_version: 3,
        reason: 'updated',
        vault_version_before: 'w',
        looks: 2,
        next_at: 9,
        source: position,
        origin: bare,
      },
    },
  ],
  suppressions: (['closed', 'opt_out', 'contact_cardholder', 'operator'] as const).map(reason => ({
    card_ref: reason === 'operator' ? null : 'card-1',
    merchant_id: reason === 'operator' ? 7 : null,
    reason,
    since: 5,
    until: reason === 'operator' ? 6 : null,
    actor: reason === 'operator' ? 'someone' : null,
  })),
  merchants: [0, 2_147_483_647],
  events: [{ key: 'x', print: 2 ** 52 - 1, at: 1 }],
  webhooks: [{ key: 'y', print: 0, at: 2 }],
}

const work = {
  card_ref: 'card-1',
  card_version: 2,
  reason: 'relinked',
  vault_version: 'v',
  source: position,
  origin: bare,
}
const fullMerchant: MerchantState = {
  merchant_id: 11,
  merchant_name: 'Übèr',
  attempt: {
    ...work,
    phase: 'AMBIGUOUS',
    number: 3,
    command_id: 'u:2',
    busy_count: 4,
    next_at: 5,
    hard_at: 6,
    started_at: 7,
    stop: { reason: 'superseded', source: position },
    retry_after: 'other',
    reconcile_id: 'u:3',
    reconciled_at: 4,
    issued_at: 6,
  },
  queued: { ...work, vault_version: null },
  last: {
    card_ref: 'card-1',
    card_version: 1,
    number: 1,
    command_id: 'u:1',
    vault_version: 'u',
    origin: position,
    status: 'NO_RESULT',
    reason: 'no_result',
    started_at: 8,
  },
  last_accepted_at: 9,
  holder: { card_ref: 'card-1', vault_version: null, since: 10 },
  needs_relink: true,
  link_changed_at: 11,
  awaiting_relink: { card_ref: 'card-1', card_version: 1 },
  kept: [{ event: 'CARD_FAILED', card_id: 'c', reason: 'otp', timestamp: 12, source: bare }],
}

function roundTrip<T>(codec: Codec<T>, value: T): T {
  const size = codec.encode(value, Buffer.alloc(0), 0)
  const buffer = Buffer.alloc(size + 10, 0xff)
  const end = codec.encode(value, buffer, 3)
  expect(end).toBeLessThanOrEqual(buffer.length)
  return { ...codec.decode(buffer, 3, end) }
}

describe('state codecs', () => {
  it.each([
    ['a new user', NEW_USER],
    ['a user with everything', fullUser],
  ])('%s comes back', (_, user) => {
    expect(roundTrip(createUserStateCodec(), user)).toEqual(user)
  })

  it.each([
    ['a new merchant', newMerchant(0, null)],
    ['a merchant with everything', fullMerchant],
  ])('%s comes back', (_, merchant) => {
    expect(roundTrip(createMerchantStateCodec(), merchant)).toEqual(merchant)
  })

  it.each([0, 1, 30])('bytes cut to %i are refused', size => {
    const codec = createUserStateCodec()
    const buffer = Buffer.alloc(1_000)
    codec.encode(fullUser, buffer, 0)
    expect(() => codec.decode(buffer.subarray(0, size), 0, size)).toThrow()
  })

  it.each(['user-state', 'merchant-state'])('every record and field of %s says what it is', name => {
    const file = new URL(`../../../../schemas/state/${name}.avsc`, import.meta.url)
    const undocumented: string[] = []
    visit(JSON.parse(readFileSync(file, 'utf8')), '', undocumented)
    expect(undocumented).toEqual([])
  })
})

const STATE = new URL('../../../../schemas/state/', import.meta.url)

function schemaOf(path: string): avsc.Schema {
  return JSON.parse(readFileSync(new URL(path, STATE), 'utf8')) as avsc.Schema
}

/** What a release wrote whose values did not say their version. */
function unversioned(path: string, value: object): Buffer {
  return avsc.Type.forSchema(schemaOf(path)).toBuffer(value)
}

function decoded<T extends object>(codec: Codec<T>, bytes: Buffer): T {
  return { ...codec.decode(bytes, 0, bytes.length) }
}

describe('state of earlier releases', () => {
  const { reconcile_id, reconciled_at, issued_at, ...attempt1 } = fullMerchant.attempt!
  const { retry_after, ...attempt0 } = attempt1
  const news = { reconcile_id: null, reconciled_at: null, issued_at: null }

  it.each([
    ['0', { ...fullMerchant, attempt: attempt0 }, { ...attempt1, ...news, retry_after: null }],
    ['0 (nothing open)', { ...fullMerchant, attempt: null }, null],
    ['0 (new)', { ...newMerchant(11, null), attempt: attempt0 }, { ...attempt1, ...news, retry_after: null }],
    ['1', { ...fullMerchant, attempt: attempt1 }, { ...attempt1, ...news }],
    ['1 (new)', { ...newMerchant(11, null), attempt: attempt1 }, { ...attempt1, ...news }],
  ])('a merchant of version %s is read, what it did not know is null', (name, before, attempt) => {
    const bytes = unversioned(`history/merchant-state/${name[0]}.avsc`, before)
    expect(decoded(createMerchantStateCodec(), bytes)).toEqual({ ...before, attempt })
    expect([reconcile_id, reconciled_at, issued_at, retry_after]).not.toContain(null)
  })

  it.each([NEW_USER, fullUser])('a user without a version is read', user => {
    expect(decoded(createUserStateCodec(), unversioned('history/user-state/1.avsc', user))).toEqual(user)
  })

  it('a value of a later release is refused, with what to do', () => {
    const codec = createMerchantStateCodec()
    const bytes = Buffer.alloc(1_000)
    const end = codec.encode(fullMerchant, bytes, 0)
    bytes[0] = bytes[0]! + 2
    expect(() => codec.decode(bytes, 0, end)).toThrow(
      'A value of merchant-state was written by a newer release (version 3, this release reads up to 2). ' +
        'The operator must deploy that release again',
    )
  })
})

describe.each(['user-state', 'merchant-state'] as const)('the history of %s', name => {
  const { version } = STATE_SCHEMAS[name]

  it('ends with the schema in use: a change needs a new version and a new file', () => {
    expect(schemaOf(`history/${name}/${version}.avsc`)).toEqual(schemaOf(`${name}.avsc`))
  })

  it('holds every version and no later one', () => {
    const numbers = readdirSync(new URL(`history/${name}/`, STATE)).map(file => Number.parseInt(file, 10))
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => version - numbers.length + 1 + index))
  })
})

function visit(node: unknown, path: string, undocumented: string[]): void {
  if (Array.isArray(node)) for (const part of node) visit(part, path, undocumented)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  const { name, type, doc, fields, items } = node as Record<string, unknown>
  const here = typeof name === 'string' ? `${path}/${name}` : path
  if (typeof name === 'string' && type !== 'enum' && (typeof doc !== 'string' || doc === '')) undocumented.push(here)
  visit(fields, here, undocumented)
  if (typeof type === 'object') visit(type, here, undocumented)
  visit(items, here, undocumented)
}
