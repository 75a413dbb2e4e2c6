import { describe, expect, it } from 'vitest'
import { TOPICS, headerOf, ingestHarness, reasonOf, userEventOf } from '../../../support/ingestHarness.ts'
import { recordView } from '../../../support/recordView.ts'

const LIFECYCLE = JSON.stringify({ event_uid: 'e', user_id: 'u', data: { id: 'c', type: 'opt_out', updated_at: 'x' } })
const ORIGINAL_MS = 1_740_000_000_000

const replayed = (topic: string): Record<string, string> => ({
  'onfile.source.topic': topic,
  'onfile.source.partition': '7',
  'onfile.source.offset': '123456',
  'onfile.dlq.replay-count': '1',
  'onfile.dlq.reason': 'user_unresolved',
  'onfile.dlq.timestamp': String(ORIGINAL_MS),
  'x-trace': 'kept',
})

describe('a replayed dead letter', () => {
  it('goes on under the position and the timestamp that it had', async () => {
    const record = recordView({ value: LIFECYCLE, offset: 1, headers: replayed(TOPICS.cardLifecycle) })
    const event = userEventOf(await ingestHarness().run(record, TOPICS.retry))
    expect(event.source).toEqual({ topic: TOPICS.cardLifecycle, partition: 7, offset: 123456, event_id: 'e' })
    expect(event.body).toMatchObject({ kind: 'lifecycle', updated_at: ORIGINAL_MS })
  })

  it('is read as what its original topic holds', async () => {
    const value = JSON.stringify({
      event: 'CARD_UPDATED',
      external_user_id: 'u',
      merchant: { id: 1 },
      timestamp: 1710864923198,
    })
    const record = recordView({ value, headers: replayed(TOPICS.knotEvents) })
    expect(userEventOf(await ingestHarness().run(record, TOPICS.retry)).body.kind).toBe('knot')
  })

  it('that fails again is dead-lettered under the original position, with its replays counted', async () => {
    const harness = ingestHarness()
    const record = recordView({ key: 'k', value: 'x', offset: 1, headers: replayed(TOPICS.cardLifecycle) })
    const letter = await harness.run(record, TOPICS.retry)
    const expected = {
      '__streams.errors.topic': TOPICS.cardLifecycle,
      '__streams.errors.partition': '7',
      '__streams.errors.offset': '123456',
      'onfile.dlq.reason': 'invalid_json',
      'onfile.dlq.replay-count': '2',
      'onfile.dlq.timestamp': String(ORIGINAL_MS),
      'x-trace': 'kept',
    }
    for (const [name, text] of Object.entries(expected)) expect(headerOf(letter, name)).toBe(text)
    const names = letter.headers.map(header => header.key)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter(name => name.startsWith('onfile.source.'))).toEqual([])
    expect(harness.counts).toEqual(new Map([['dead card-lifecycle invalid_json', 1]]))
  })

  const broken: [string, Record<string, string>][] = [
    ['without headers', {}],
    ['of a topic that is no input', replayed('payments')],
    ['with an offset that is no number', { ...replayed(TOPICS.knotEvents), 'onfile.source.offset': '-1' }],
  ]
  it.each(broken)('%s is dead-lettered under its own position', async (_what, headers) => {
    const letter = await ingestHarness().run(recordView({ value: LIFECYCLE, offset: 5, headers }), TOPICS.retry)
    expect(reasonOf(letter)).toBe('schema_violation')
    expect(headerOf(letter, '__streams.errors.topic')).toBe(TOPICS.retry)
    expect(headerOf(letter, '__streams.errors.offset')).toBe('5')
  })

  it('is a matter of the retry topic alone: a feed cannot claim another position', async () => {
    const record = recordView({ value: LIFECYCLE, offset: 5, headers: replayed(TOPICS.knotEvents) })
    const event = userEventOf(await ingestHarness().run(record, TOPICS.cardLifecycle))
    expect(event.source).toMatchObject({ topic: TOPICS.cardLifecycle, partition: 3, offset: 5 })
  })
})
