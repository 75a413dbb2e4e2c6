import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { bareCodec } from '../../avro/codecs.ts'
import type { MerchantState } from '../../domain/merchantState.ts'
import type { UserState } from '../../domain/userState.ts'
import type { Codec } from '../../engine/processor.ts'

/** Raised when an older release could not read the state any more. */
export const DECIDE_STATE_VERSION = 1

/** Avro without a frame: state is read by the release that wrote it or a later one. */
export function createUserStateCodec(): Codec<UserState> {
  return stateCodec('user-state')
}

export function createMerchantStateCodec(): Codec<MerchantState> {
  return stateCodec('merchant-state')
}

function stateCodec<T>(name: 'user-state' | 'merchant-state'): Codec<T> {
  const file = new URL(`../../../schemas/state/${name}.avsc`, import.meta.url)
  const schema = JSON.parse(readFileSync(file, 'utf8')) as avsc.Schema
  return bareCodec<T>(avsc.Type.forSchema(schema, { omitRecordMethods: true }))
}
