import { merchantKey } from '../../domain/ids.ts'
import type { Table } from '../../engine/processor.ts'
import type { DecideTables } from '../../processors/decide/decideProcessor.ts'
import { pseudonymOf } from '../../processors/decide/pseudonym.ts'
import type { KnownState } from '../user/story.ts'

type ReadTables = { readonly [K in keyof DecideTables]: Pick<Table<DecideTables[K]>, 'get'> }

/** What DECIDE holds of a user in its tables: a few look-ups by key. */
export function userStateIn(tables: ReadTables, userId: string): KnownState {
  const user = tables.users.get(userId)
  if (user === undefined) {
    const left = tables.forgotten.get(pseudonymOf(userId))
    return left === undefined ? { kind: 'unknown' } : { kind: 'forgotten', left }
  }
  const merchants = user.merchants.flatMap(id => tables.merchants.get(merchantKey(userId, id)) ?? [])
  return { kind: 'known', user, merchants: merchants.sort((a, b) => a.merchant_id - b.merchant_id) }
}
