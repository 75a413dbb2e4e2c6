import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { until } from '../../support/onfile/until.ts'

const NETFLIX = 16

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: 1,
    settings: { ONFILE_POLICY_RESULT_SOFT: '10m', ONFILE_POLICY_RESULT_HARD: '20m' },
  })
})
afterEach(() => run.close())

/** Outcomes at the merchant, oldest first. */
async function told(): Promise<string[]> {
  const { outcomes } = await run.evidence()
  return outcomes
    .map(({ value }) => value)
    .filter(({ merchant_id }) => merchant_id === NETFLIX)
    .map(({ status, reason }) => `${status} ${reason}`)
}

it('a 503 that has landed all the same is not pushed again once Knot has confirmed it', async () => {
  run.addUser('ada', 1, [NETFLIX])
  run.knot.script('ada', NETFLIX, {
    delayMs: 5_000,
    http: { kind: 'answer', status: 503, retryAfter: 300, landed: true },
  })
  const product = run.start()
  await product.ready()
  await run.sendLifecycle(...updatesOf('ada'))
  await until(run, 'the success is told', async () => (await told()).includes('UPDATED updated'))
  const { commands } = await run.expectExact()
  expect(run.knot.pushes('ada', NETFLIX)).toHaveLength(1)
  expect(commands.map(({ value }) => `${value.kind} ${value.reason}`)).toContain('CANCEL confirmed')
})
