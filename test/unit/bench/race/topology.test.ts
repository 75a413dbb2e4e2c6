import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { raceCodecs } from '../../../../bench/race/records.ts'
import type { CardOutcome, EventType, UserEvent, UserState } from '../../../../bench/race/records.ts'
import { derivedId, merchantOf, raceTopics, raceTopology } from '../../../../bench/race/topology.ts'
import type { RaceTables } from '../../../../bench/race/topology.ts'
import type { Table, TaskContext } from '../../../../src/engine/processor.ts'
import { recordView } from '../../../support/recordView.ts'

const topics = raceTopics('in.', 'out.', 'app-decide')
const codecs = raceCodecs()
const user = 'user-000123'
const startMs = 1_750_000_000_000

interface Written {
  readonly topic: string
  readonly value: object
  readonly timestampMs: number | undefined
}

/** One processor of the topology over a plain map, with what it forwards. */
function decider() {
  const states = new Map<string, UserState>()
  const written: Written[] = []
  let puts = 0
  const users: Table<UserState> = {
    get: key => states.get(key),
    put: (key, value) => {
      puts++
      states.set(key, value)
    },
    delete: key => void states.delete(key),
    entries: () => states.entries(),
  }
  const context = {
    partition: 3,
    tables: { users },
    forward: (topic: string, partition: number, key: Buffer, value: object, _encoder: unknown, options: object) => {
      expect([partition, key.toString()]).toEqual([3, user])
      written.push({ topic, value: { ...value }, ...(options as { timestampMs: number }) })
    },
  } as unknown as TaskContext<RaceTables, never>
  const processor = raceTopology(topics).createProcessor({} as never)
  const decide = (event: Partial<UserEvent>): Written[] => {
    const full: UserEvent = {
      event_id: '0b9b55dd-5c2d-4d49-a7f4-0dbdcb6b29ca',
      type: 'updated',
      user_id: user,
      card_ref: 'card-000247',
      updated_at: startMs,
      source_topic: 'card-lifecycle',
      source_offset: 1,
      ...event,
    }
    const buffer = Buffer.alloc(300)
    const value = buffer.subarray(0, codecs.events.encode(full, buffer, 0))
    written.length = 0
    processor.onRecord(recordView({ key: user, value, timestamp: 77 }), context)
    return [...written]
  }
  return { decide, states, puts: () => puts }
}

function idOf(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}

const statusOf = (outputs: readonly Written[]) => (outputs.at(-1)?.value as CardOutcome).status

describe('race topology', () => {
  it.each<{ type: EventType; suppressed: boolean; expected: readonly string[]; status: string }>([
    { type: 'updated', suppressed: false, expected: [topics.commands, topics.outcomes], status: 'commanded' },
    { type: 'expired', suppressed: false, expected: [topics.commands, topics.outcomes], status: 'commanded' },
    { type: 'updated', suppressed: true, expected: [topics.outcomes], status: 'skipped' },
    { type: 'expired', suppressed: true, expected: [topics.outcomes], status: 'skipped' },
    { type: 'closed', suppressed: false, expected: [topics.suppressions, topics.outcomes], status: 'suppressed' },
    { type: 'opt_out', suppressed: true, expected: [topics.suppressions, topics.outcomes], status: 'suppressed' },
    { type: 'enrolled', suppressed: true, expected: [topics.outcomes], status: 'enrolled' },
  ])('$type of a user with suppressed=$suppressed', ({ type, suppressed, expected, status }) => {
    const { decide } = decider()
    if (suppressed) decide({ event_id: idOf(0), type: 'closed' })
    const outputs = decide({ event_id: idOf(1), type })
    expect(outputs.map(({ topic }) => topic)).toEqual(expected)
    expect(statusOf(outputs)).toBe(status)
    expect(outputs.every(({ timestampMs }) => timestampMs === 77)).toBe(true)
  })

  it('explains duplicates and stale events without touching the state', () => {
    const { decide, puts } = decider()
    decide({ event_id: idOf(1), updated_at: startMs })
    expect(statusOf(decide({ event_id: idOf(1), updated_at: startMs }))).toBe('duplicate')
    expect(statusOf(decide({ event_id: idOf(2), updated_at: startMs - 1 }))).toBe('stale')
    expect(puts()).toBe(1)
  })

  it('takes any time of a user that it meets for the first time', () => {
    expect(statusOf(decider().decide({ updated_at: -5 }))).toBe('commanded')
  })

  it('remembers eight event ids and counts versions per card', () => {
    const { decide, states } = decider()
    for (let n = 0; n < 9; n++) decide({ event_id: idOf(n), card_ref: `card-00024${n % 2}` })
    expect(states.get(user)).toMatchObject({
      seq: 9,
      recent_event_ids: [1, 2, 3, 4, 5, 6, 7, 8].map(idOf),
      cards: [
        { card_ref: 'card-000240', status: 'updated', version: 5 },
        { card_ref: 'card-000241', status: 'updated', version: 4 },
      ],
    })
    expect(statusOf(decide({ event_id: idOf(0) }))).toBe('commanded')
    expect(statusOf(decide({ event_id: idOf(3) }))).toBe('duplicate')
  })

  it('derives ids and merchants', () => {
    expect(derivedId('0b9b55dd-5c2d-4d49-a7f4-0dbdcb6b29ca', 'c')).toBe('0b9b55dd-5c2d-cd49-a7f4-0dbdcb6b29ca')
    expect([merchantOf('card-000247'), merchantOf('card-000250'), merchantOf('card-000199')]).toEqual([
      1047, 1000, 1049,
    ])
  })

  it('writes the fixed schema ids of the specification', () => {
    const page = readFileSync(new URL('../../../../bench/race/SPEC.md', import.meta.url), 'utf8')
    const buffer = Buffer.alloc(300)
    const suppression = { suppression_id: 's', user_id: user, card_ref: 'c', reason: 'closed' as const, at: 1 }
    codecs.suppressions.encode(suppression, buffer, 0)
    expect(buffer.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, 4]))
    expect(page).toContain('| `card-suppressions` (out) | `CardSuppression.avsc` | 4 |')
  })
})
