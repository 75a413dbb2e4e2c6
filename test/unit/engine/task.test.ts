import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import type { GroupMember } from '../../../src/kafka/groupMember.ts'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import { CorruptBatchError, KafkaError } from '../../../src/kafka/errors.ts'
import type { Fetcher } from '../../../src/kafka/fetcher.ts'
import type { RecordView } from '../../../src/kafka/recordBatch.ts'
import type { Request } from '../../../src/kafka/request.ts'
import type { TaskError } from '../../../src/engine/errors.ts'
import { silentObserver } from '../../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../../src/engine/options.ts'
import type { EngineStep } from '../../../src/engine/options.ts'
import type { Pause } from '../../../src/engine/pauses.ts'
import type { EffectOutcome, Processor, TaskContext } from '../../../src/engine/processor.ts'
import { Task } from '../../../src/engine/task.ts'
import type { TaskEnd } from '../../../src/engine/task.ts'
import { LocalStore } from '../../../src/store/localStore.ts'
import { chunk, FakeSubscription } from './fakeSubscription.ts'

const within = { timeout: 15_000, interval: 10 }
/** Long enough for many turns of a loop that does not wait. */
const A_WHILE_MS = 300
const COORDINATOR_NOT_AVAILABLE = 15
const TRUNCATED = new KafkaError('Fetch', 1, 'in-0 at 6')
const DAMAGED = new CorruptBatchError('in-0', 6, 'has a wrong checksum')
const PAUSE: Pause = { topic: null, partition: null, reason: 'a drill', actor: 'jo', sinceMs: 0, untilMs: 1 }

/** Grants every transaction, and keeps the last offset that one has committed. */
class FakeCoordinator {
  committedOffset = 0
  /** Answers InitProducerId with this. */
  lockError = 0
  private offered = Buffer.alloc(0)
  private epoch = 0

  readonly cluster = {
    coordinator: () => Promise.resolve(1),
    forgetCoordinator: () => undefined,
    transactionVersion: () => Promise.resolve(2),
    settings: { connection: { requestTimeoutMs: 30_000 } },
    call: async (_node: number, _lane: string, request: Request<unknown>) => {
      await wait(2)
      return this.answer(request)
    },
  } as unknown as Cluster

  private answer(request: Request<unknown>): unknown {
    switch (request.api.name) {
      case 'OffsetFetch':
        return { errorCode: 0, offset: 0, metadata: 'cycle=1 changelog=0 owner=7000:1' }
      case 'TxnOffsetCommit':
        this.offered = Buffer.concat([...request.encode(5)])
        return { errorCode: 0 }
      case 'EndTxn':
        for (let offset = 1; offset <= 6; offset++)
          if (this.offered.includes(int64(offset))) this.committedOffset = offset
        return { errorCode: 0, producerId: 7001n, epoch: ++this.epoch }
      default:
        return { errorCode: this.lockError, producerId: 7001n, epoch: this.epoch }
    }
  }
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

interface Scene {
  readonly task: Task<object, number, null>
  readonly subscription: FakeSubscription
  readonly coordinator: FakeCoordinator
  /** Offsets of the records that were processed, and of those whose effect has ended. */
  readonly seen: number[]
  readonly ended: number[]
  pause: Pause | null
  wantsInput: boolean
  effectsTakeMs: number | null
  recordTakesMs: number
  prepareTakesMs: number
  onStep: (step: EngineStep) => Promise<void> | void
  readonly failures: TaskError[]
}

const tasks: Scene[] = []
afterEach(() => {
  for (const { task } of tasks.splice(0)) task.abandon()
})

/** A task over six records in two fetched chunks, behind which nothing comes any more because of `failure`. */
function sceneOn(failure: Error, { hasPrepare = false } = {}): Scene {
  const subscription = new FakeSubscription()
  subscription.chunks.push(chunk(0, 3), chunk(3, 3))
  Object.assign(subscription, { position: 6, lastStableOffset: 9, highWatermark: 9, failure })
  const coordinator = new FakeCoordinator()
  const processor: Processor<object, number, null> = {
    ...(hasPrepare ? { prepare: () => wait(scene.prepareTakesMs) } : {}),
    wantsInput: () => scene.wantsInput,
    onRecord: (record: RecordView, ctx: TaskContext<object, number>) => {
      scene.seen.push(record.offset)
      const untilMs = performance.now() + scene.recordTakesMs
      while (performance.now() < untilMs);
      if (scene.effectsTakeMs !== null) ctx.startEffect(record.offset)
    },
    perform: async (_effect: number, signal: AbortSignal) => {
      await wait(scene.effectsTakeMs ?? 0, undefined, { signal })
      return null
    },
    onEffect: (effect: number, outcome: EffectOutcome<null>) => {
      if (outcome.ok) scene.ended.push(effect)
    },
  }
  const task = new Task<object, number, null>({
    engine: {
      ...ENGINE_DEFAULTS,
      cluster: coordinator.cluster,
      applicationId: 'app',
      stateDirectory: 'none',
      log: pino({ enabled: false }),
      observer: silentObserver,
      onStep: step => scene.onStep(step),
    },
    topology: {
      role: 'role',
      inputs: ['in'],
      outputs: [],
      tables: {},
      stateVersion: 1,
      startAt: () => 'earliest',
      createProcessor: () => processor,
    },
    topic: 'in',
    partition: 0,
    groupId: 'app-role',
    member: {
      heartbeatAgeMs: () => 0,
      sessionTimeoutMs: 6_000,
      membership: { memberId: 'me', instanceId: null, generation: 1 },
      confirmed: () => Promise.resolve(performance.now()),
    } as unknown as GroupMember,
    fetcher: { subscribe: () => subscription } as unknown as Fetcher,
    partitionCounts: new Map([['in', 1]]),
    paused: () => scene.pause,
    onFailed: error => scene.failures.push(error),
  })
  const scene: Scene = {
    task,
    subscription,
    coordinator,
    seen: [],
    ended: [],
    pause: null,
    wantsInput: true,
    effectsTakeMs: null,
    recordTakesMs: 0,
    prepareTakesMs: 0,
    onStep: () => undefined,
    failures: [],
  }
  tasks.push(scene)
  return scene
}

/** That every record in hand was processed once, all of it is committed, and only then the task ended so. */
async function expectAllOf(scene: Scene, running: Promise<TaskEnd>, code: string): Promise<void> {
  expect(await running).toMatchObject({ kind: 'failed', error: { code } })
  expect(scene.seen).toEqual([0, 1, 2, 3, 4, 5])
  expect(scene.coordinator.committedOffset).toBe(6)
  expect(scene.failures).toMatchObject([{ code }])
}

describe('a task whose input has failed', () => {
  it.each([
    ['INPUT_TRUNCATED', TRUNCATED],
    ['CORRUPT_BATCH', DAMAGED],
  ])('processes what was fetched before, commits it, and ends by %s', async (code, failure) => {
    const scene = sceneOn(failure)
    await expectAllOf(scene, scene.task.run(), code)
  })

  it('waits for a look-up of a second for what was fetched before', async () => {
    const scene = sceneOn(DAMAGED, { hasPrepare: true })
    scene.prepareTakesMs = 1_000
    await expectAllOf(scene, scene.task.run(), 'CORRUPT_BATCH')
  })

  it.each([
    ['paused', (scene: Scene, isHeld: boolean) => (scene.pause = isHeld ? PAUSE : null)],
    ['held back by its processor', (scene: Scene, isHeld: boolean) => (scene.wantsInput = !isHeld)],
  ])('stays while it is %s, says why no more comes, and processes what it has afterwards', async (_what, hold) => {
    const scene = sceneOn(TRUNCATED)
    hold(scene, true)
    const running = scene.task.run()
    await expect.poll(() => scene.task.status().waiting?.reason, within).toContain('in-0 at 6')
    await wait(A_WHILE_MS)
    expect([scene.task.status().state, scene.seen]).toEqual(['running', []])
    hold(scene, false)
    scene.task.wake()
    await expectAllOf(scene, running, 'INPUT_TRUNCATED')
  })

  it('ends while it is paused where it has nothing in hand', async () => {
    const scene = sceneOn(TRUNCATED)
    scene.subscription.chunks.length = 0
    scene.pause = PAUSE
    expect(await scene.task.run()).toMatchObject({ kind: 'failed', error: { code: 'INPUT_TRUNCATED' } })
    expect(scene.seen).toEqual([])
  })

  it('hears how the effects of its last records ended, and commits that', async () => {
    const scene = sceneOn(TRUNCATED)
    scene.effectsTakeMs = A_WHILE_MS
    await expectAllOf(scene, scene.task.run(), 'INPUT_TRUNCATED')
    expect(scene.ended.toSorted()).toEqual(scene.seen)
  })

  it('does not end before its last commit has', async () => {
    const scene = sceneOn(TRUNCATED)
    const gate = Promise.withResolvers<null>()
    scene.onStep = async step => {
      if (step === 'offset-committed') await gate.promise
    }
    const running = scene.task.run()
    await expect.poll(() => scene.seen.length, within).toBe(6)
    await wait(A_WHILE_MS)
    expect([scene.task.status().state, scene.coordinator.committedOffset]).toEqual(['running', 0])
    gate.resolve(null)
    await expectAllOf(scene, running, 'INPUT_TRUNCATED')
  })

  it('is ended by a stop all the same: while it is paused, while its last commit hangs, and when it is somebody elses', async () => {
    const paused = sceneOn(TRUNCATED)
    paused.pause = PAUSE
    const stopped = paused.task.run()
    await expect.poll(() => paused.task.status().state, within).toBe('running')
    paused.task.drain(100)
    expect(await stopped).toEqual({ kind: 'closed' })

    const ends = await Promise.all(
      [(task: Scene['task']) => task.drain(100), (task: Scene['task']) => task.abandon()].map(async end => {
        const hanging = sceneOn(TRUNCATED)
        hanging.onStep = step => (step === 'offset-committed' ? new Promise(() => undefined) : undefined)
        const running = hanging.task.run()
        await expect.poll(() => hanging.seen.length, within).toBe(6)
        await wait(A_WHILE_MS)
        end(hanging.task)
        return running
      }),
    )
    expect(ends).toMatchObject([{ error: { code: 'DRAIN_OVERRUN' } }, { error: { code: 'OWNERSHIP_LOST' } }])
  })
})

describe('a task that is given up before it is open', () => {
  it.each([
    ['anything is answered', () => Promise.resolve()],
    [
      'it has its lock',
      async ({ task }: Scene) => {
        await expect.poll(() => task.status().state, within).toBe('locking')
        await wait(A_WHILE_MS)
      },
    ],
  ])('is closed, and nothing is said of a failure: before %s', async (_what, until) => {
    const scene = sceneOn(TRUNCATED)
    scene.coordinator.lockError = COORDINATOR_NOT_AVAILABLE
    const running = scene.task.run()
    await until(scene)
    scene.task.drain(20_000)
    expect(await running).toEqual({ kind: 'closed' })
    expect([scene.task.status().state, scene.failures]).toEqual(['closed', []])
  })
})

describe('a task that has not committed yet', () => {
  const WAITING = 600

  it.each([
    ['looks nothing up', false],
    ['looks up what it needs', true],
  ])(
    'begins to commit long before all that waits for it is processed, and processes all of it; it %s',
    async (_what, hasPrepare) => {
      const scene = sceneOn(TRUNCATED, { hasPrepare })
      scene.subscription.chunks = [chunk(0, WAITING)]
      Object.assign(scene.subscription, { position: WAITING, lastStableOffset: WAITING, highWatermark: WAITING })
      scene.recordTakesMs = 0.5
      const seenAtCommit: number[] = []
      scene.onStep = step => {
        if (step === 'gathered') seenAtCommit.push(scene.seen.length)
      }
      await scene.task.run()
      expect(seenAtCommit[0]).toBeGreaterThan(0)
      expect(seenAtCommit[0]).toBeLessThan(WAITING)
      expect(scene.seen).toEqual(Array.from({ length: WAITING }, (_, offset) => offset))
    },
  )
})

describe('a task with much input, while the store of another partition is opened', () => {
  it('works in short turns', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'onfile-task-'))
    const work = Promise.withResolvers<boolean>()
    const { store } = await LocalStore.open(directory, { keepTurn: work.promise, keepTurnMs: 60_000 })
    const scene = sceneOn(TRUNCATED)
    scene.subscription.chunks = [chunk(0, 600)]
    scene.recordTakesMs = 0.5
    const soFar = () => scene.seen.length
    let ended: TaskEnd | undefined
    void scene.task.run().then(end => {
      ended = end
    })
    let mostAtOnce = 0
    for (let last = soFar(); ended === undefined; last = soFar()) {
      await turn()
      mostAtOnce = Math.max(mostAtOnce, soFar() - last)
    }
    work.resolve(false)
    await store.close()
    await rm(directory, { recursive: true })
    expect(soFar()).toBe(600)
    expect(mostAtOnce).toBeLessThan(100)
  })
})
