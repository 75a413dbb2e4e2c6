import { describe, expect, test } from 'vitest'
import { RecordView } from '../../../src/kafka/recordBatch.ts'
import { APPENDED_AT, appendedAtHeader, appendedAtOf } from '../../../src/processors/appendedAt.ts'
import { holdsPan } from '../../../src/processors/ingest/panScan.ts'
import { recordView } from '../../support/recordView.ts'

describe('the time of append that travels along', () => {
  test.each([[1_764_302_159_123], [1], [0], [2 ** 47]])('%i is read as it was written', timestampMs => {
    const { value } = appendedAtHeader(timestampMs)[0]!
    const headers = { traceparent: 'a', [APPENDED_AT]: value! }
    expect(appendedAtOf(recordView({ value: 'x', headers }))).toBe(timestampMs)
  })

  test('a record without a time of its own has none that could be taken for one', () => {
    expect(appendedAtHeader(-1)[0]!.value!.readBigInt64BE()).toBe(0n)
  })

  test.each([
    ['no header', {}],
    ['another header', { other: '1' }],
    ['text in it', { [APPENDED_AT]: '1764302159123' }],
    ['nothing in it', { [APPENDED_AT]: '' }],
  ])('is not there with %s', (_what, headers) => {
    expect(appendedAtOf(recordView({ value: 'x', headers }))).toBeNull()
    expect(appendedAtOf(new RecordView())).toBeNull()
  })

  test('headers that nobody can read are none', () => {
    const view = new RecordView()
    view.headerCount = 1
    expect(() => view.headers()).toThrow()
    expect(appendedAtOf(view)).toBeNull()
  })

  test('never looks like a card number, whatever the year', () => {
    for (let ms = 2_000_000_000_000; ms < 2_000_000_000_100; ms++) {
      expect(holdsPan(appendedAtHeader(ms)[0]!.value!.toString('latin1'))).toBe(false)
    }
  })
})
