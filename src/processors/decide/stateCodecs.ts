import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { typeHook } from '../../avro/typeHook.ts'
import { versionedCodec } from '../../avro/versionedCodec.ts'
import type { ValueReader } from '../../avro/codecs.ts'
import type { MerchantState } from '../../domain/merchantState.ts'
import type { ForgottenUser, UserState } from '../../domain/userState.ts'
import type { Codec } from '../../engine/processor.ts'
import type { Totals } from './totals.ts'

/**
 * Versions of the schemas in `schemas/state/`. Each change of one is a new version, whose file is kept in
 * `schemas/state/history/<name>/`: this release reads all of them.
 */
export const STATE_SCHEMAS = {
  'user-state': { version: 1, unversioned: [1] },
  /** 0 had no `retry_after`; neither 0 nor 1 said what it was. */
  'merchant-state': { version: 2, unversioned: [1, 0] },
  /** Never written without its version. */
  'forgotten-user': { version: 1, unversioned: [] },
  totals: { version: 1, unversioned: [] },
} as const

type StateSchemaName = keyof typeof STATE_SCHEMAS

/** Rises with each of them, so that an earlier release refuses the whole changelog. */
export const DECIDE_STATE_VERSION = Object.values(STATE_SCHEMAS).reduce((sum, { version }) => sum + version, 0)

export function createUserStateCodec(): Codec<UserState> {
  return stateCodec('user-state')
}

export function createMerchantStateCodec(): Codec<MerchantState> {
  return stateCodec('merchant-state')
}

export function createForgottenUserCodec(): Codec<ForgottenUser> {
  return stateCodec('forgotten-user')
}

export function createTotalsCodec(): Codec<Totals> {
  return stateCodec('totals')
}

function stateCodec<T>(name: StateSchemaName): Codec<T> {
  const { version, unversioned } = STATE_SCHEMAS[name]
  const type = schemaType(`${name}.avsc`)
  const earlier = new Map<number, ValueReader<T>>()
  for (let number = Math.min(1, ...unversioned); number < version; number++) {
    earlier.set(number, readerOf(type, name, number))
  }
  const readers = unversioned.map(number => earlier.get(number) ?? type)
  return versionedCodec<T>({ name, version, type, earlier, unversioned: readers })
}

/** Reads what a version wrote as what this release works with: new fields get their defaults. */
function readerOf<T>(type: avsc.Type, name: StateSchemaName, version: number): ValueReader<T> {
  const resolver = type.createResolver(schemaType(`history/${name}/${version}.avsc`))
  return { decode: (buffer, start) => type.decode(buffer, start, resolver) }
}

function schemaType(path: string): avsc.Type {
  const file = new URL(`../../../schemas/state/${path}`, import.meta.url)
  const schema = JSON.parse(readFileSync(file, 'utf8')) as avsc.Schema
  return avsc.Type.forSchema(schema, { omitRecordMethods: true, typeHook })
}
