import { expect, it } from 'vitest'
import { StateReader } from '../../../src/cli/user/changelog.ts'
import { newMerchant } from '../../../src/domain/merchantState.ts'
import { NEW_USER } from '../../../src/domain/userState.ts'
import type { Codec } from '../../../src/engine/processor.ts'
import { pseudonymOf } from '../../../src/processors/decide/pseudonym.ts'
import {
  createForgottenUserCodec,
  createMerchantStateCodec,
  createUserStateCodec,
} from '../../../src/processors/decide/stateCodecs.ts'
import { recordView } from '../../support/recordView.ts'

const users = createUserStateCodec()
const merchants = createMerchantStateCodec()
const forgotten = createForgottenUserCodec()

function bytesOf<T>(codec: Codec<T>, value: T): Buffer {
  const buffer = Buffer.alloc(8_192)
  return buffer.subarray(0, codec.encode(value, buffer, 0))
}

const user = (seq: number): Buffer => bytesOf(users, { ...NEW_USER, decision_seq: seq })
const merchant = (id: number): Buffer => bytesOf(merchants, newMerchant(id, null))

function known(userId: string, records: readonly (readonly [key: string, value: Buffer | null])[]) {
  const reader = new StateReader(userId)
  records.forEach(([key, value], offset) => reader.accept(recordView({ key, value, offset })))
  return reader.known()
}

it('takes the last value of each entry, and leaves other users alone, also those whose id ends alike', () => {
  const state = known('a/b', [
    ['users/a/b', user(1)],
    ['users/b', user(7)],
    ['users/xa/b', user(8)],
    ['merchants/16/a/b', merchant(16)],
    ['merchants/44/a/b', merchant(44)],
    ['merchants/45/b', merchant(45)],
    ['merchants/46/c/a/b', merchant(46)],
    ['~timers/hard:16/a/b', Buffer.alloc(8)],
    ['users/a/b', user(2)],
    ['merchants/16/a/b', null],
  ])
  expect(state).toMatchObject({ kind: 'known', user: { decision_seq: 2 } })
  expect(state.kind === 'known' && state.merchants.map(({ merchant_id }) => merchant_id)).toEqual([44])
})

it('knows an erased user, and one who came back', () => {
  const left = { decision_seq: 5, forgotten_at: 9 }
  const key = `forgotten/${pseudonymOf('u-1')}`
  const erased = [
    ['users/u-1', user(4)],
    ['users/u-1', null],
    [key, bytesOf(forgotten, left)],
    [`forgotten/${pseudonymOf('u-2')}`, bytesOf(forgotten, { ...left, decision_seq: 77 })],
  ] as const
  expect(known('u-1', erased)).toEqual({ kind: 'forgotten', left })
  expect(known('u-1', [...erased, [key, null], ['users/u-1', user(6)]])).toMatchObject({ kind: 'known' })
  expect(known('u-3', erased)).toEqual({ kind: 'unknown' })
})
