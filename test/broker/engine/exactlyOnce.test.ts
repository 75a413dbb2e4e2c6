import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import type { EngineStep } from '../../../src/engine/options.ts'
import { ChainRun } from '../../support/chain/harness.ts'

let run: ChainRun
beforeEach(async () => {
  run = await ChainRun.create(inject('brokers'))
})
afterEach(async () => {
  await run.close()
})

describe('a task writes every link, effect and timer exactly once', () => {
  it('when nothing goes wrong, and SIGTERM ends it cleanly', async () => {
    const worker = run.start()
    await run.write(30, 20)
    await run.expectExact()
    worker.process.kill('SIGTERM')
    expect(await worker.exited).toBe(0)
    expect(worker.log()).toBe('')
  })

  const steps: EngineStep[] = [
    'locked',
    'restored',
    'gathered',
    'produced',
    'offset-committed',
    'committed',
    'stored',
    'effects-started',
  ]
  it.each(steps)('when the process is killed after the step "%s", twice', async step => {
    const writing = run.write(25, 40)
    for (const count of [2, 9]) {
      // `locked` and `restored` come once per partition and take-over; the others once per cycle.
      const killed = run.start({
        instanceId: 'pod-0',
        killAt: { step, count: step === 'locked' || step === 'restored' ? 3 : count },
      })
      expect(await killed.exited).toBe('SIGKILL')
    }
    run.start({ instanceId: 'pod-0' })
    await writing
    await run.expectExact()
  })

  it('when its local store is lost between two runs', async () => {
    const first = run.start()
    await run.write(20)
    await run.expectExact()
    first.process.kill('SIGKILL')
    await first.exited
    await run.write(10)
    run.start({ stateDirectory: `${run.stateDirectory}/elsewhere` })
    await run.expectExact()
  })

  it('when a second instance joins, takes half, and leaves again', async () => {
    const first = run.start()
    await run.untilRunning()
    const writing = run.write(60, 60)
    const second = run.start({ stateDirectory: `${run.stateDirectory}/second` })
    await run.until(15_000, () => (second.status()?.tasks.filter(t => t.state === 'running').length ?? 0) === 2)
    await run.untilRunning()
    expect(first.status()?.tasks.length).toBe(2)
    second.process.kill('SIGTERM')
    expect(await second.exited).toBe(0)
    await run.untilRunning()
    await writing
    await run.expectExact()
  })

  it('when a stopped process comes back after another one took its partitions over', async () => {
    const zombie = run.start()
    await run.untilRunning()
    const writing = run.write(80, 100)
    await wait(500)
    zombie.process.kill('SIGSTOP')
    const heir = run.start({ stateDirectory: `${run.stateDirectory}/heir` })
    await run.until(30_000, () => (heir.status()?.tasks.filter(t => t.state === 'running').length ?? 0) === 4)
    await wait(500)
    zombie.process.kill('SIGCONT')
    await writing
    await run.expectExact()
    await run.untilRunning()
  })

  it('when a static member restarts: no rebalance, and the group keeps its generation', async () => {
    const first = run.start({ instanceId: 'pod-0' })
    await run.untilRunning()
    const writing = run.write(50, 60)
    await wait(500)
    first.process.kill('SIGTERM')
    expect(await first.exited).toBe(0)
    run.start({ instanceId: 'pod-0' })
    // Far below the session timeout: nobody waited for a rebalance.
    await run.untilRunning(4_000)
    await writing
    await run.expectExact()
  })
})
