import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { until } from '../../support/onfile/until.ts'

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({ brokers: inject('brokers'), registryUrl: inject('registryUrl') })
})
afterEach(async () => {
  await run.close()
})

const SUPPRESSIONS = ['onfile_suppressions_active', 'reason="opt_out"'] as const
const FRESHNESS = 'onfile_outcome_freshness_seconds_count'

it('shows freshness, lag 0 at rest, and suppressions in force that a lost disk does not change', async () => {
  const cards = ['a', 'b', 'c', 'd'].map((name, index) => run.addUser(`user-${name}`, index, [10]))
  const onfile = run.start()
  await onfile.ready()
  expect(await onfile.metric(...SUPPRESSIONS)).toBe(0)
  await run.sendLifecycle(
    ...cards.map((cardRef, index) => ({
      key: cardRef,
      value: lifecycleEvent({ cardRef, type: index < 3 ? 'opt_out' : 'updated' }),
    })),
  )
  await run.expectExact()
  expect(await onfile.metric(...SUPPRESSIONS)).toBe(3)
  // Three that were stopped at once; the push of the fourth; what Knot then said of it.
  expect(await onfile.metric(FRESHNESS, `topic="${run.topics.cardLifecycle}",path="decided"`)).toBe(3)
  expect(await onfile.metric(FRESHNESS, `topic="${run.topics.cardLifecycle}",path="pushed"`)).toBeGreaterThan(0)
  expect(await onfile.metric(FRESHNESS, `topic="${run.topics.knotEvents}",path="decided"`)).toBeGreaterThan(0)
  await until(run, 'what was read is committed', async () => (await onfile.metric('onfile_consumer_lag_records')) === 0)
  expect(await onfile.metric('onfile_consumer_lag_seconds')).toBe(0)

  await onfile.kill('SIGKILL')
  rmSync(run.stateDirectory, { recursive: true, force: true })
  const next = run.start()
  await next.ready()
  expect(await next.metric(...SUPPRESSIONS)).toBe(3)
  expect(await next.kill('SIGTERM')).toBe(0)
})
