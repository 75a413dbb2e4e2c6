import { describe, expect, test } from 'vitest'
import type { SuppressionReason } from '../../../../src/domain/records.ts'
import type { SuppressionEntry } from '../../../../src/domain/userState.ts'
import { createTotalsCodec } from '../../../../src/processors/decide/stateCodecs.ts'
import { changedTotals, NO_TOTALS } from '../../../../src/processors/decide/totals.ts'

const entries = (...reasons: SuppressionReason[]): SuppressionEntry[] =>
  reasons.map(reason => ({ card_ref: 'c', merchant_id: null, reason, since: 1, until: null, actor: null }))

describe('the totals of a partition', () => {
  const totals = { ...NO_TOTALS, opt_out: 5, closed: 1 }
  test.each([
    ['one more', entries(), entries('opt_out'), { ...totals, opt_out: 6 }],
    ['one less', entries('opt_out', 'closed'), entries('closed'), { ...totals, opt_out: 4 }],
    ['another reason', entries('closed'), entries('operator'), { ...totals, closed: 0, operator: 1 }],
    ['a user who is erased', entries('opt_out', 'opt_out'), entries(), { ...totals, opt_out: 3 }],
    ['the same ones', entries('closed'), entries('closed'), null],
    ['none before and after', entries(), entries(), null],
  ])('%s', (_what, before, after, expected) => {
    expect(changedTotals(totals, before, after)).toEqual(expected)
  })

  test('of a state that is older than they are do not go below 0', () => {
    expect(changedTotals(NO_TOTALS, entries('closed'), entries('opt_out'))).toEqual({ ...NO_TOTALS, opt_out: 1 })
  })

  test('are read as they were written', () => {
    const codec = createTotalsCodec()
    const buffer = Buffer.alloc(64)
    const end = codec.encode(totals, buffer, 0)
    expect({ ...codec.decode(buffer, 0, end) }).toEqual(totals)
  })
})
