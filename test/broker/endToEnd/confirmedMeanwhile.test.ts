import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'

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

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + 90_000; !(await holds()); await wait(200)) {
    if (Date.now() > deadline) throw new Error(`${what}: never`)
  }
}

/** Outcomes at the merchant, oldest first. */
async function told(): Promise<string[]> {
  const { outcomes } = await run.evidence()
  return outcomes
    .map(({ value }) => value)
    .filter(({ merchant_id }) => merchant_id === NETFLIX)
    .map(({ status, reason }) => `${status} ${reason}`)
}

it('a 503 that has landed all the same is not pushed again once Knot has confirmed it', async () => {
  const cardRef = run.addUser('ada', 1, [NETFLIX])
  run.knot.script('ada', NETFLIX, {
    delayMs: 5_000,
    http: { kind: 'answer', status: 503, retryAfter: 300, landed: true },
  })
  const product = run.start()
  await product.ready()
  await run.sendLifecycle({ key: 'ada', value: lifecycleEvent({ cardRef, type: 'updated', userId: 'ada' }) })
  await until('the success is told', async () => (await told()).includes('UPDATED updated'))
  const { commands } = await run.expectExact()
  expect(run.knot.pushes('ada', NETFLIX)).toHaveLength(1)
  expect(commands.map(({ value }) => `${value.kind} ${value.reason}`)).toContain('CANCEL confirmed')
})
