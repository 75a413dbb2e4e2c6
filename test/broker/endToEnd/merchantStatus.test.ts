import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'

const NETFLIX = 16
const AMAZON = 44

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: 1,
    settings: {
      ONFILE_PROVISION_BREAKER_WAIT: '60s',
      ONFILE_POLICY_RESULT_SOFT: '30s',
      ONFILE_POLICY_RESULT_HARD: '90s',
    },
  })
})
afterEach(() => run.close())

function announce(status: 'UP' | 'DOWN'): void {
  run.knot.announce({
    event: 'MERCHANT_STATUS_UPDATE',
    merchant: { id: NETFLIX, name: 'Netflix' },
    data: { type: 'card_switcher', status, platform: 'web', sdk: null },
    timestamp: Date.now(),
  })
}

it('a merchant that Knot calls down is left alone, and tried again as soon as Knot calls it up', async () => {
  run.addUser('ada', 1, [NETFLIX, AMAZON])
  const product = run.start()
  await product.ready()
  const breaker = () => product.metric('onfile_breaker_state', `breaker="${NETFLIX}"`)
  const until = async (what: string, holds: () => Promise<boolean> | boolean) => {
    for (const deadline = Date.now() + 30_000; !(await holds()); await wait(50)) {
      if (Date.now() > deadline) throw new Error(`${what}: never`)
    }
  }
  announce('DOWN')
  await until('the breaker opens', async () => (await breaker()) === 2)
  await run.sendLifecycle({
    key: 'ada',
    value: lifecycleEvent({ cardRef: 'card-ada', type: 'updated', userId: 'ada' }),
  })
  await until('the other merchant is pushed', () => run.knot.pushes('ada', AMAZON).length === 1)
  await until('the push to this one waits', async () => {
    return (await product.metric('onfile_provision_merchant_waiting', `merchant="${NETFLIX}"`)) === 1
  })
  await wait(1_000)
  expect(run.knot.pushes('ada', NETFLIX)).toEqual([])

  announce('UP')
  await until('the merchant is tried', () => run.knot.pushes('ada', NETFLIX).length === 1)
  await until('the breaker closes', async () => (await breaker()) === 0)
  await run.expectExact()
})
