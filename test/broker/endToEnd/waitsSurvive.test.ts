import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { testCard } from '../../../sandbox/people.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { OperatorTerminal } from '../../support/onfile/operatorTerminal.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { readCommitted } from '../../support/readCommitted.ts'
import type { CommittedRecord } from '../../support/readCommitted.ts'

const NETFLIX = 16
const AMAZON = 44

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
    await run.sendLifecycle(...updatesOf('bob', 'ada'))
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

it(
  'an order that ends by itself survives kill -9 and the loss of the local store, and ends in its time, for a user and at a merchant',
  { retry: 0, timeout: 240_000 },
  async () => {
    const first = run.start({ ONFILE_STATE_DIR: `${run.stateDirectory}/first` })
    await first.ready(60_000)
    for (const [index, userId] of ['cara', 'dan'].entries()) run.addUser(userId, index + 3, [NETFLIX, AMAZON])
    const update = (): Promise<void> => run.sendLifecycle(...updatesOf('cara', 'dan'))
    const terminal = new OperatorTerminal(run)
    const order = ['--until', '20s', '--reason', 'a test'] as const
    expect(await terminal.onfile('suppress', '--user', 'cara', ...order)).toMatchObject({ code: 0, err: '' })
    const atNetflix = ['--merchant', String(NETFLIX)]
    expect(await terminal.onfile('suppress', '--user', 'dan', ...atNetflix, ...order)).toMatchObject({
      code: 0,
      err: '',
    })
    await update()
    // The order of each, cara's event, dan's at Netflix; at Amazon dan's card is pushed.
    await expect.poll(() => told(first, 'SUPPRESSED'), { timeout: 30_000 }).toBe(4)
    await expect.poll(() => told(first, 'UPDATED'), { timeout: 30_000 }).toBe(1)
    // What is counted is committed a moment later.
    await wait(500)
    expect(await first.kill('SIGKILL')).toBe('SIGKILL')
    const active = (await run.evidence()).suppressions.map(({ value }) => value)
    expect(active.map(({ user_id, merchant_id, state }) => [user_id, merchant_id, state])).toEqual([
      ['cara', null, 'ACTIVE'],
      ['dan', NETFLIX, 'ACTIVE'],
    ])

    const heir = run.start({ ONFILE_STATE_DIR: `${run.stateDirectory}/heir` })
    await heir.ready(60_000)
    const tombstones = async (): Promise<CommittedRecord[]> => {
      const records = await readCommitted(inject('brokers'), [run.topics.cardSuppressions])
      return records.filter(({ value }) => value === null)
    }
    await expect.poll(tombstones, { timeout: 90_000, interval: 1_000 }).toHaveLength(2)
    const { suppressions } = await run.evidence()
    const lifted = suppressions.filter(({ value }) => value.state === 'LIFTED')
    const keys = ['cara/*/*', `dan/*/${NETFLIX}`]
    const gone = await tombstones()
    expect(gone.map(({ key }) => key!.toString()).sort()).toEqual(keys)
    for (const [index, before] of active.entries()) {
      const own = lifted.filter(({ value }) => value.user_id === before.user_id)
      expect(own.map(({ value }) => value.lifted_reason)).toEqual(['expired'])
      expect(own[0]!.value.recorded_at).toBeGreaterThanOrEqual(before.until!)
      const tombstone = gone.find(({ key }) => key!.toString() === keys[index])!
      expect(tombstone.offset).toBeGreaterThan(own[0]!.offset)
    }
    // Nothing was pushed by the end of an order: the next card is.
    expect(run.knot.pushes('cara')).toEqual([])
    expect(run.knot.pushes('dan').map(({ merchantId }) => merchantId)).toEqual([AMAZON])
    for (const [index, userId] of ['cara', 'dan'].entries()) run.vault.reissue(`card-${userId}`, testCard(900 + index))
    await update()
    await expect.poll(() => run.knot.pushes('cara').length, { timeout: 30_000 }).toBe(2)
    await expect.poll(() => run.knot.pushes('dan', NETFLIX).length, { timeout: 30_000 }).toBe(1)
    const after = await run.expectExact(60_000)
    expect(outcomesOf(after, 'cara').at(-1)).toBe('UPDATED/updated 1')
  },
)
