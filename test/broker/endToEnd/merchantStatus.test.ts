import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { until } from '../../support/onfile/until.ts'

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
      ONFILE_POLICY_RESULT_SOFT: '60s',
      ONFILE_POLICY_RESULT_HARD: '180s',
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
  announce('DOWN')
  await until(run, 'the breaker opens', async () => (await breaker()) === 2)
  await run.sendLifecycle(...updatesOf('ada'))
  await until(run, 'the other merchant is pushed', () => run.knot.pushes('ada', AMAZON).length === 1)
  await until(run, 'the push to this one waits', async () => {
    return (await product.metric('onfile_provision_merchant_waiting', `merchant="${NETFLIX}"`)) === 1
  })
  await wait(1_000)
  expect(run.knot.pushes('ada', NETFLIX)).toEqual([])

  announce('UP')
  await until(run, 'the merchant is tried', () => run.knot.pushes('ada', NETFLIX).length === 1)
  await until(run, 'the breaker closes', async () => (await breaker()) === 0)
  await run.expectExact()
})

it('a merchant that answers MERCHANT_UNAVAILABLE is left alone for a while, the others are not, and it comes back', async () => {
  const users = Array.from({ length: 8 }, (_, index) => `user-${index}`)
  users.forEach((userId, index) => run.addUser(userId, index, [NETFLIX, AMAZON]))
  const error_code = 'MERCHANT_UNAVAILABLE'
  const body = { error_type: 'INVALID_REQUEST', error_code, error_message: 'Try again later.' }
  for (const userId of users) run.knot.script(userId, NETFLIX, { http: { kind: 'answer', status: 400, body } })
  const product = run.start({ ONFILE_PROVISION_BREAKER_WAIT: '2s' })
  await product.ready()
  const breaker = (metric: string) => product.metric(metric, `breaker="${NETFLIX}"`)
  const updated = (userId: string) => run.knot.account(userId, NETFLIX)?.cardOnFile != null
  await run.sendLifecycle(...updatesOf(...users))
  await until(run, 'the breaker opens', async () => (await breaker('onfile_breaker_opened_total')) > 0)
  // It stays open while its trials fail, so the time to the next one is seen sooner or later.
  await until(run, 'the time to its trial is shown', async () => (await breaker('onfile_breaker_wait_seconds')) > 0)
  await until(run, 'the other merchant is served', () =>
    users.every(userId => run.knot.account(userId, AMAZON)?.cardOnFile),
  )
  expect(users.some(updated)).toBe(false)

  for (const userId of users) run.knot.script(userId, NETFLIX)
  await until(run, 'the merchant is served', () => users.every(updated))
  await until(run, 'the breaker closes', async () => (await breaker('onfile_breaker_state')) === 0)
  await run.expectExact()
  expect(run.knot.pushes().filter(({ landed }) => landed)).toHaveLength(2 * users.length)
})
