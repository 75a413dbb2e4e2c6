import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Bed } from './fakePorts.ts'
import { cancel, coded, command, limits, ok, provisionBed, results } from './fakePorts.ts'

const LEASE_MS = 120_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Lets effects run to their end. No cycle commits. */
const effects = () => new Promise(resolve => setImmediate(resolve))

/** One permit, two users; the card of the first is prepared. */
async function prepared(): Promise<Bed> {
  const bed = await provisionBed({ limits: limits({ concurrency: 1 }) })
  bed.task.read(command(1, { user_id: 'ada' }))
  bed.task.read(command(2, { user_id: 'bob' }))
  await effects()
  expect(bed.vault.asked).toHaveLength(1)
  return bed
}

/** The cards that prepared commands have in memory. */
function cardsHeld({ task }: Bed): number {
  return task.seenResults.filter(
    ({ ok: isOk, ...outcome }) =>
      isOk && 'value' in outcome && outcome.value.kind === 'prepared' && !outcome.value.prepared.hasLapsed,
  ).length
}

describe('a card whose commit is in doubt', () => {
  it.each([
    ['within its time', 0, '1:NOT_SENT/ownership'],
    ['late', LEASE_MS, '1:NOT_SENT/send_by'],
  ])(
    'goes with its permit: there is one card per permit, and a commit that comes %s sends nothing',
    async (_, passMs, result) => {
      const bed = await prepared()
      const { task, vault, knot, clock } = bed
      task.deliver()
      vi.advanceTimersByTime(LEASE_MS - 1)
      await effects()
      expect([cardsHeld(bed), vault.asked.length]).toEqual([1, 1])
      vi.advanceTimersByTime(1)
      await effects()
      expect([cardsHeld(bed), vault.asked.length]).toEqual([1, 2])
      clock.ms += passMs
      knot.script.push(ok)
      await task.settle()
      expect(results(task).sort()).toEqual([result, '2:ACCEPTED'])
      expect(knot.sent.map(({ userId }) => userId)).toEqual(['bob'])
    },
  )

  it('that a CANCEL covers meanwhile ends as covered', async () => {
    const { task, knot } = await prepared()
    task.deliver()
    vi.advanceTimersByTime(LEASE_MS)
    await effects()
    task.read(cancel(3, {}, 'ada'))
    knot.script.push(ok)
    await task.settle()
    expect(results(task)).toContain('1:NOT_SENT/suppressed')
  })

  it('for a repeat of what may have landed goes back to wait: NOT_SENT would deny that', async () => {
    const { task, knot, clock } = await provisionBed()
    knot.script.push({ ...coded('unavailable', 503), retryAfterMs: 1_000 })
    task.read(command(1))
    await task.settle()
    clock.ms += 1_000
    task.fireTimers()
    await effects()
    task.deliver()
    vi.advanceTimersByTime(LEASE_MS)
    await task.settle()
    expect(results(task)).toEqual([])
    expect(task.ledger()).toMatchObject([{ state: 'WAITING', maybe_landed: true, tries: 1 }])
  })

  it('is fetched anew where the engine had not been told of it', async () => {
    const bed = await prepared()
    const { task, vault, knot } = bed
    vi.advanceTimersByTime(LEASE_MS)
    await effects()
    expect([cardsHeld(bed), vault.asked.length]).toEqual([1, 2])
    knot.script.push(ok, ok)
    await task.settle()
    expect(results(task).sort()).toEqual(['1:ACCEPTED', '2:ACCEPTED'])
    expect(vault.asked).toHaveLength(3)
  })
})

it('a request has a whole lease for itself', async () => {
  const { task, vault, knot } = await prepared()
  task.deliver()
  vi.advanceTimersByTime(LEASE_MS - 1)
  await task.settle()
  knot.waiting[0]!.wire()
  vi.advanceTimersByTime(LEASE_MS - 1)
  await effects()
  expect(vault.asked).toHaveLength(1)
  knot.script.push(ok)
  knot.waiting[0]!.answer(ok)
  await task.settle()
  expect(results(task).sort()).toEqual(['1:ACCEPTED', '2:ACCEPTED'])
})
