import type { OperatorCommand } from '../../../src/domain/records.ts'
import { CARD, MERCHANT, T0, World } from './world.ts'

/** What an operator's order is about. */
export type Scope = Pick<OperatorCommand, 'card_ref' | 'merchant_id'>

export const CARD_SCOPE: Scope = { card_ref: CARD, merchant_id: null }
export const USER_SCOPE: Scope = { card_ref: null, merchant_id: null }
export const MERCHANT_SCOPE: Scope = { card_ref: null, merchant_id: MERCHANT }
export const CARD_AT_MERCHANT_SCOPE: Scope = { card_ref: CARD, merchant_id: MERCHANT }

/** Each scope with the key of its record and how `World.news` shows its merchant. */
export const SCOPES: [name: string, scope: Scope, key: string, at: string][] = [
  ['CARD', CARD_SCOPE, 'user-1/card-1/*', ''],
  ['USER', USER_SCOPE, 'user-1/*/*', ''],
  ['MERCHANT', MERCHANT_SCOPE, 'user-1/*/11', ' @11'],
  ['CARD_AT_MERCHANT', CARD_AT_MERCHANT_SCOPE, 'user-1/card-1/11', ' @11'],
]

/** A trigger whose DISCOVER is out. */
export function asked(): World {
  const world = new World()
  world.lifecycle('updated', { at: T0 })
  world.news()
  return world
}

/** A trigger whose SWITCH is out. */
export function issued(): World {
  const world = asked()
  world.discovered()
  world.news()
  return world
}
