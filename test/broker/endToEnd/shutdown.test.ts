import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { API, KafkaProxy } from '../../support/kafkaProxy.ts'
import type { ApiName } from '../../support/kafkaProxy.ts'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { until } from '../../support/onfile/until.ts'

/** Longer than the drain needs, shorter than one request to a broker that says nothing. */
const DEADLINE_MS = 12_000
/** Of a machine that stalls, and for the end of the process itself. */
const STALL_MS = 8_000

let run: OnfileRun
let proxy: KafkaProxy
let processes = 0
beforeAll(async () => {
  run = await OnfileRun.create({ brokers: inject('brokers'), registryUrl: inject('registryUrl'), partitions: 2 })
  proxy = await KafkaProxy.start(inject('brokers'))
})
afterAll(async () => {
  await run.close()
  await proxy.stop()
})

function start(settings: Readonly<Record<string, string>> = {}): ProductProcess {
  return run.start({
    ONFILE_STATE_DIR: join(run.stateDirectory, `state-${processes++}`),
    ONFILE_SHUTDOWN_DEADLINE: `${DEADLINE_MS}ms`,
    // No answer is given up before the deadline.
    ONFILE_KNOT_TIMEOUT: '60s',
    ...settings,
  })
}

/** How it ended after this signal, and when; it is killed where it does not end. */
async function endBy(signal: NodeJS.Signals, product: ProductProcess): Promise<{ how: unknown; afterMs: number }> {
  const startedMs = performance.now()
  const limit = setTimeout(() => void product.kill('SIGKILL'), DEADLINE_MS * 3)
  const how = await product.kill(signal)
  clearTimeout(limit)
  return { how, afterMs: performance.now() - startedMs }
}

/** From now on no broker answers anything; the connections stand. */
function swallowEverything(): void {
  for (const api of Object.keys(API) as ApiName[]) proxy.lose({ api, on: 'request', action: 'swallow' })
}

/** One push is under way, and Knot says nothing. */
async function pushThatHangs(userId: string): Promise<void> {
  run.addUser(userId, processes, [16])
  run.knot.script(userId, 16, { http: { kind: 'hold', holdMs: 120_000 } })
  await run.sendLifecycle(...updatesOf(userId))
  await until(run, 'Knot has the push', () => run.knot.pushes(userId).length > 0)
}

it('SIGTERM while Kafka is a black hole ends within the deadline', { retry: 0 }, async () => {
  const product = start({ ONFILE_KAFKA_BROKERS: proxy.brokers })
  await product.ready()
  run.addUser('user-hole', 90, [16])
  await run.sendLifecycle(...updatesOf('user-hole'))
  await until(run, 'something was done', () => run.knot.pushes('user-hole').length > 0)
  swallowEverything()
  // Every loop has a request under way by then.
  await wait(2_000)
  // Nothing of that is a reason to start it again: its loops turn.
  const { roles } = await product.readyz()
  for (const { role, memberTurnAgeMs, tasks } of roles) {
    expect(memberTurnAgeMs, role).toBeLessThan(60_000)
    for (const { topic, partition, state, turnAgeMs } of tasks) {
      expect([state, turnAgeMs === null], `${topic}-${partition}`).toEqual(['running', false])
      expect(turnAgeMs, `${topic}-${partition}`).toBeLessThan(30_000)
    }
  }
  const { how, afterMs } = await endBy('SIGTERM', product)
  proxy.heal()
  expect(how, product.lastWords()).toBe(0)
  expect(afterMs).toBeLessThan(DEADLINE_MS + STALL_MS)
})

it('SIGTERM while roles wait for topics in a black hole ends at once', { retry: 0 }, async () => {
  const product = start({
    ONFILE_KAFKA_BROKERS: proxy.brokers,
    ONFILE_TOPICS_DECIDE_CHANGELOG: 'no-such-topic',
    ONFILE_ROLES: 'decide',
  })
  await until(run, 'it waits', () => product.log().includes('onfile starts'))
  await expect.poll(async () => (await product.readyz()).reasons.join(), { timeout: 30_000 }).toContain('no-such-topic')
  swallowEverything()
  await wait(1_500)
  const { how, afterMs } = await endBy('SIGTERM', product)
  proxy.heal()
  expect(how, product.lastWords()).toBe(0)
  expect(afterMs).toBeLessThan(STALL_MS)
})

it('a push that hangs ends with the process, within the deadline', { retry: 0 }, async () => {
  const product = start()
  await product.ready()
  await pushThatHangs('user-hangs')
  const { how, afterMs } = await endBy('SIGTERM', product)
  expect(how, product.lastWords()).toBe(0)
  expect(afterMs).toBeLessThan(DEADLINE_MS + STALL_MS)
  // It was waited for first: most pushes that are under way end well.
  expect(afterMs).toBeGreaterThan(DEADLINE_MS / 3)
})

it('a second SIGTERM exits at once', { retry: 0 }, async () => {
  const product = start({ ONFILE_SHUTDOWN_DEADLINE: '10m' })
  await product.ready()
  await pushThatHangs('user-twice')
  void product.kill('SIGTERM')
  await until(run, 'it drains', () => product.log().includes('stopping: finishing what runs'))
  await wait(1_000)
  expect(product.alive).toBe(true)
  const { how, afterMs } = await endBy('SIGTERM', product)
  expect(how, product.lastWords()).toBe(1)
  expect(afterMs).toBeLessThan(STALL_MS)
  expect(product.log().toString('utf8')).toContain('second signal: leaving at once')
})
