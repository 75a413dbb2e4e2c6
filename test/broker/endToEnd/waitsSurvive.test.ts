import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'

const NETFLIX = 16

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: 1,
    knot: { pushMovesLastUserAction: true },
    settings: {
      // An hour becomes 18 s.
      ONFILE_POLICY_RETRY_SCALE: '0.005',
      ONFILE_POLICY_RESULT_SOFT: '18s',
      ONFILE_POLICY_RESULT_HARD: '120s',
      ONFILE_POLICY_RECONCILE_DONE: 'Enrolled',
    },
  })
})
afterEach(() => run.close())

const told = (product: ProductProcess, status: string): Promise<number> =>
  product.metric('onfile_outcomes_total', `status="${status}"`)

const outcomesOf = ({ outcomes }: Evidence, userId: string): string[] =>
  outcomes
    .filter(({ value }) => value.user_id === userId)
    .map(({ value: { status, reason, attempt } }) => `${status}/${reason} ${attempt}`)

it(
  'a retry and a look that wait survive kill -9 and the loss of the local store, and come in their time',
  { retry: 0, timeout: 240_000 },
  async () => {
    const first = run.start({ ONFILE_STATE_DIR: `${run.stateDirectory}/first` })
    await first.ready(60_000)
    for (const [index, userId] of ['ada', 'bob'].entries()) run.addUser(userId, index + 1, [NETFLIX])
    run.knot.script('ada', NETFLIX, { outcome: 'failed', reason: 'other' }, { outcome: 'updated' })
    run.knot.script('bob', NETFLIX, { dropWebhook: true })
    await run.sendLifecycle(
      ...['bob', 'ada'].map(userId => ({
        key: `card-${userId}`,
        value: lifecycleEvent({ cardRef: `card-${userId}`, type: 'updated', userId }),
      })),
    )
    const waits = async (): Promise<unknown> => [await told(first, 'ACCEPTED'), await told(first, 'RETRY_SCHEDULED')]
    await expect.poll(waits, { timeout: 30_000 }).toEqual([2, 1])
    // What is counted is committed a moment later.
    await wait(500)
    expect(await first.kill('SIGKILL')).toBe('SIGKILL')
    const killedAtMs = Date.now()
    const before = await run.evidence()
    expect(outcomesOf(before, 'ada')).toEqual(['ACCEPTED/accepted 1', 'RETRY_SCHEDULED/other 1'])
    expect(outcomesOf(before, 'bob')).toEqual(['ACCEPTED/accepted 1'])
    expect(run.knot.pushes()).toHaveLength(2)
    const dueAtMs = before.outcomes.find(({ value }) => value.next_attempt_at !== null)!.value.next_attempt_at!

    const heir = run.start({ ONFILE_STATE_DIR: `${run.stateDirectory}/heir` })
    await heir.ready(60_000)
    await expect.poll(() => told(heir, 'UPDATED'), { timeout: 60_000 }).toBe(2)
    const after = await run.expectExact()
    expect(outcomesOf(after, 'ada').slice(2)).toEqual(['ACCEPTED/accepted 2', 'UPDATED/updated 2'])
    expect(outcomesOf(after, 'bob').slice(1)).toEqual(['UPDATED/reconciled 1'])
    expect(run.knot.pushes('bob')).toHaveLength(1)
    const [, again, ...more] = run.knot.pushes('ada')
    expect(again!.atMs).toBeGreaterThanOrEqual(Math.max(dueAtMs, killedAtMs))
    expect(more).toEqual([])
  },
)
