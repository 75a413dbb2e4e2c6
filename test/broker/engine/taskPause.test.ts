import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { silentObserver } from '../../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../../src/engine/options.ts'
import { RoleRunner } from '../../../src/engine/role.ts'
import type { TaskStatus } from '../../../src/engine/status.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { ChainRun } from '../../support/chain/harness.ts'
import { chainTopology } from '../../support/chain/topology.ts'
import type { ChainVariant } from '../../support/chain/topology.ts'

const PARTITIONS = 4
const KEYS = 40
const WITHIN_MS = 30_000
const ASKED = { reason: 'a drill', actor: 'jo', forMs: 600_000 }
const PLAIN: ChainVariant = { stateVersion: 1, timersDueAtMs: 0, effectsEndAtMs: 0 }

let run: ChainRun
let instances: Instance[] = []
beforeEach(async () => {
  run = await ChainRun.create(inject('brokers'), { partitions: PARTITIONS, keys: KEYS })
})
afterEach(async () => {
  await Promise.all(instances.map(instance => instance.stop()))
  instances = []
  await run.close()
})

/** The chain's role in this process, so that a test can pause it. */
class Instance {
  readonly runner: RoleRunner<object, unknown, unknown>
  private readonly cluster: Cluster
  private stopped: Promise<void> | null = null

  private constructor(cluster: Cluster, name: string, variant: ChainVariant) {
    this.cluster = cluster
    this.runner = new RoleRunner(chainTopology(run.topics, variant), {
      ...ENGINE_DEFAULTS,
      cluster,
      applicationId: run.id,
      stateDirectory: run.otherDirectory(name),
      sessionTimeoutMs: 6_000,
      log: pino({ level: 'silent' }),
      observer: silentObserver,
    }) as unknown as RoleRunner<object, unknown, unknown>
    this.runner.start()
  }

  static async start(name = 'first', variant = PLAIN): Promise<Instance> {
    const cluster = await Cluster.connect({ brokers: inject('brokers').split(','), clientId: 'chain' })
    const instance = new Instance(cluster, name, variant)
    instances.push(instance)
    return instance
  }

  get tasks(): TaskStatus[] {
    return [...this.runner.status().tasks].sort((a, b) => a.partition - b.partition)
  }

  get running(): number[] {
    return this.tasks.flatMap(({ state, partition }) => (state === 'running' ? [partition] : []))
  }

  get paused(): number[] {
    return this.tasks.flatMap(({ paused, partition }) => (paused === null ? [] : [partition]))
  }

  task(partition: number): TaskStatus {
    return this.tasks.find(task => task.partition === partition)!
  }

  pause(partition: number | null, forMs = ASKED.forMs): void {
    this.runner.pauses.pause({ ...ASKED, topic: partition === null ? null : run.topics.input, partition, forMs })
  }

  resume(): void {
    this.runner.pauses.resume({ topic: null, partition: null })
  }

  stop(): Promise<void> {
    this.stopped ??= this.runner.stop({ leave: true, deadlineMs: 10_000 }).then(() => this.cluster.close())
    return this.stopped
  }
}

/** True once the number has not changed for a second: longer than any commit interval. */
async function settled(value: () => number): Promise<number> {
  let [last, sinceMs] = [value(), Date.now()]
  await run.until(WITHIN_MS, 'it stands', () => {
    const now = value()
    if (now !== last) [last, sinceMs] = [now, Date.now()]
    return Date.now() - sinceMs > 1_000
  })
  return last
}

describe('a paused partition', { retry: 0, timeout: 240_000 }, () => {
  it('stands under load while the others go on, and catches up exactly once', async () => {
    const one = await Instance.start()
    await run.until(WITHIN_MS, 'all run', () => one.running.length === PARTITIONS)
    await run.write(20)
    const loading = new AbortController()
    const over = new Promise<void>(resolve => loading.signal.addEventListener('abort', () => resolve()))
    const load = run.writeUntil(over, 20)
    try {
      await run.until(WITHIN_MS, 'it has begun', () => one.tasks.every(({ position }) => position > 0))
      one.pause(1)
      const stoodAt = await settled(() => one.task(1).position)
      const others = () => [0, 2, 3].map(partition => one.task(partition).position)
      const before = others()
      await run.until(WITHIN_MS, 'its lag grows', () => one.task(1).lagRecords > 300 && one.task(1).lagSeconds > 3)
      expect(one.task(1).position).toBe(stoodAt)
      expect(one.task(1).effectsInFlight).toBe(0)
      expect(one.paused).toEqual([1])
      await run.until(WITHIN_MS, 'others go on', () => others().every((at, index) => at > before[index]! + 200))
      expect(one.runner.status().state).toBe('stable')
    } finally {
      loading.abort()
      await load
    }
    one.resume()
    await run.expectExact()
    expect(one.paused).toEqual([])
  })

  it('commits what it had taken and what comes of it, and fires no timer', async () => {
    const variant = { ...PLAIN }
    const one = await Instance.start('first', variant)
    await run.until(WITHIN_MS, 'all run', () => one.running.length === PARTITIONS)
    // Effects and timers of the records that were taken end after the pause has come.
    const endsAtMs = Date.now() + 8_000
    variant.timersDueAtMs = endsAtMs
    variant.effectsEndAtMs = endsAtMs
    await run.write(7)
    const timers = () => one.tasks.reduce((sum, { timers }) => sum + (timers.echo ?? 0), 0)
    const open = () => one.tasks.reduce((sum, { effectsInFlight }) => sum + effectsInFlight, 0)
    await run.until(7_500, 'everything is taken, nothing ends', () => timers() === KEYS && open() === KEYS)
    one.pause(null)
    await run.until(WITHIN_MS, 'what was under way has ended', () => open() === 0)
    await wait(Math.max(0, endsAtMs - Date.now()) + 2_000)
    expect(timers()).toBe(KEYS)
    one.resume()
    await run.expectExact()
    await run.until(WITHIN_MS, 'the timers have fired', () => timers() === 0)
  })

  it('goes on by itself when its time is over', async () => {
    const one = await Instance.start()
    await run.until(WITHIN_MS, 'all run', () => one.running.length === PARTITIONS)
    one.pause(null, 2_000)
    await run.write(10)
    expect(one.paused).toHaveLength(PARTITIONS)
    await run.expectExact()
    expect(one.paused).toEqual([])
  })

  it('that is stopped ends in time and loses nothing; who starts anew is not paused', async () => {
    const one = await Instance.start()
    await run.until(WITHIN_MS, 'all run', () => one.running.length === PARTITIONS)
    await run.write(5)
    one.pause(null)
    await run.write(5)
    const startedMs = performance.now()
    await one.stop()
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(one.tasks).toEqual([])
    const again = await Instance.start()
    await run.expectExact()
    expect(again.paused).toEqual([])
  })
})

describe('a rebalance while partitions are paused', { retry: 0, timeout: 240_000 }, () => {
  it('frees what moves away, and keeps what stays; a pause of the role holds what comes', async () => {
    const one = await Instance.start()
    await run.until(WITHIN_MS, 'all run', () => one.running.length === PARTITIONS)
    one.pause(null)
    for (const partition of one.running) one.pause(partition)
    await run.write(10)
    const two = await Instance.start('second')
    await run.until(WITHIN_MS, 'each has its half', () => one.running.length === 2 && two.running.length === 2)
    expect(one.paused).toEqual(one.running)
    expect(two.paused).toEqual([])
    await run.expectExact(WITHIN_MS, new Set(two.running))
    const own = one.runner.pauses.standing().flatMap(({ partition }) => partition ?? [])
    expect(own.sort()).toEqual(one.running)

    await two.stop()
    await run.until(WITHIN_MS, 'all are back', () => one.running.length === PARTITIONS)
    expect(one.paused).toEqual([0, 1, 2, 3])
    await run.write(3)
    const at = await settled(() => one.tasks.reduce((sum, { position }) => sum + position, 0))
    expect(one.tasks.reduce((sum, { lagRecords }) => sum + lagRecords, 0)).toBeGreaterThan(0)
    one.resume()
    await run.expectExact()
    expect(one.tasks.reduce((sum, { position }) => sum + position, 0)).toBeGreaterThan(at)
  })
})
