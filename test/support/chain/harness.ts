import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { Admin, IResourceConfigEntry, Producer } from 'kafkajs'
import { storeDirectory } from '../../../src/engine/takeover.ts'
import { createTopics, testClient } from '../topics.ts'
import { judgeChains, timersAt } from './oracle.ts'
import type { Shown, Verdict } from './oracle.ts'
import type { ChainTopics } from './topology.ts'
import { Worker } from './workerProcess.ts'
import type { ChainSettings } from './workerProtocol.ts'

export type { Worker } from './workerProcess.ts'

export interface ChainOptions {
  /** Default 4. */
  readonly partitions?: number
  /** Default 40. */
  readonly keys?: number
  /** Keys are filled up to so many bytes. */
  readonly keyBytes?: number
  /** For every worker of this run, unless `start` says otherwise. */
  readonly settings?: Partial<ChainSettings>
  readonly changelogConfig?: Readonly<Record<string, string>>
}

/** One run of the chain topology: its topics, its input, its worker processes and the check of its output. */
export class ChainRun {
  readonly id: string
  readonly topics: ChainTopics
  readonly stateDirectory: string
  readonly partitions: number
  private readonly brokers: string
  private readonly keys: readonly string[]
  private readonly settings: Partial<ChainSettings>
  private readonly workers: Worker[] = []
  private readonly producer: Producer
  private readonly admin: Admin
  private written = 0
  /** What `expectExact` has last found exact; null for nothing yet. */
  private foundExact: { readonly partitions: ReadonlySet<number> | undefined } | null = null

  private constructor(brokers: string, id: string, stateDirectory: string, options: ChainOptions) {
    this.brokers = brokers
    this.id = id
    this.stateDirectory = stateDirectory
    this.partitions = options.partitions ?? 4
    this.settings = options.settings ?? {}
    this.topics = { input: `${id}-in`, output: `${id}-out`, changelog: `${id}-log` }
    this.keys = Array.from({ length: options.keys ?? 40 }, (_, i) => `key-${i}`.padEnd(options.keyBytes ?? 0, 'x'))
    this.producer = testClient(brokers).producer({ idempotent: true, maxInFlightRequests: 1 })
    this.admin = testClient(brokers).admin()
  }

  static async create(brokers: string, options: ChainOptions = {}): Promise<ChainRun> {
    const id = `chain-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 6)}`
    const stateDirectory = await mkdtemp(join(tmpdir(), 'onfile-chain-'))
    const run = new ChainRun(brokers, id, stateDirectory, options)
    const numPartitions = run.partitions
    const changelogConfig = { 'cleanup.policy': 'compact', ...options.changelogConfig }
    const configEntries: IResourceConfigEntry[] = Object.entries(changelogConfig).map(([name, value]) => ({
      name,
      value,
    }))
    await createTopics(brokers, [
      { topic: run.topics.input, numPartitions },
      { topic: run.topics.output, numPartitions },
      { topic: run.topics.changelog, numPartitions, configEntries },
    ])
    await Promise.all([run.producer.connect(), run.admin.connect()])
    return run
  }

  get groupId(): string {
    return `${this.id}-chain`
  }

  /** Where a worker keeps the local store of a partition. */
  storeOf(partition: number, stateDirectory = this.stateDirectory): string {
    return storeDirectory(stateDirectory, 'chain', this.topics.input, partition)
  }

  /** For what a test does to topics and offsets. */
  get kafka(): Admin {
    return this.admin
  }

  /**
   * Writes the next `rounds` records of every key, one round every `everyMs`. Goes on when brokers are away: kafkajs may
   * then write a record twice or lose one (kafkajs#1303), so the oracle goes by what the input holds.
   */
  async write(rounds: number, everyMs = 0): Promise<void> {
    for (let i = 0; i < rounds; i++) await this.writeRound(everyMs)
  }

  /** Writes rounds until `until` resolves. */
  async writeUntil(until: Promise<unknown>, everyMs: number): Promise<void> {
    const over = new AbortController()
    const ending = until.finally(() => over.abort())
    while (!over.signal.aborted) await this.writeRound(everyMs)
    await ending
  }

  start(settings: Partial<ChainSettings> = {}, fileSizeLimitKiB?: number): Worker {
    const full: ChainSettings = {
      brokers: this.brokers,
      applicationId: this.id,
      stateDirectory: this.stateDirectory,
      topics: this.topics,
      variant: { stateVersion: 1, timersDueAtMs: 0, effectsEndAtMs: 0 },
      protocol: 'v2',
      sessionTimeoutMs: 6_000,
      requestTimeoutMs: 30_000,
      transactionTimeoutMs: 60_000,
      maxStoreAgeMs: 3_600_000,
      maxUnflushedBytes: 256 << 20,
      storeWriteEntries: null,
      restoreNoProgressMs: 180_000,
      instanceId: null,
      logLevel: 'warn',
      fault: null,
      clockJump: null,
      takesEverything: false,
      ...this.settings,
      ...settings,
    }
    const worker = new Worker(full, fileSizeLimitKiB)
    this.workers.push(worker)
    return worker
  }

  /** Another place for a local store, for a second worker or a cold start. */
  otherDirectory(name: string): string {
    return join(this.stateDirectory, name)
  }

  /**
   * Waits until the workers that live hold and run all partitions (or `count` of them). Throws where one of them makes its
   * transactions with another protocol than the one that its worker was started for.
   */
  async untilRunning(timeoutMs = 30_000, count = this.partitions): Promise<void> {
    await this.until(timeoutMs, 'all partitions run', () => {
      return this.alive().reduce((sum, worker) => sum + worker.running, 0) === count
    })
    this.checkProtocols()
  }

  /** Waits until all input is read and committed, while timers and effects that are held back may be outstanding. */
  async untilInputDone(timeoutMs = 30_000): Promise<void> {
    const ends = await this.ends(this.topics.input)
    await this.until(timeoutMs, 'all input is read', () => {
      const tasks = this.alive().flatMap(worker => worker.tasks.filter(task => task.state === 'running'))
      return [...ends].every(([partition, end]) =>
        tasks.some(task => task.partition === partition && task.position >= end),
      )
    })
    // Longer than the commit interval: what was read is committed, and idle tasks have committed their position.
    await wait(1_500)
  }

  /** High watermarks by partition. Asks again while a partition that was just made has no leader yet. */
  async ends(topic: string): Promise<Map<number, number>> {
    const deadline = Date.now() + 10_000
    for (;;) {
      try {
        const offsets = await this.admin.fetchTopicOffsets(topic)
        return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
      } catch (error) {
        if (!(error instanceof kafkajs.KafkaJSError) || !error.retriable || Date.now() > deadline) throw error
        await wait(200)
      }
    }
  }

  /**
   * Waits until everything that the input asks for is in the output, `partitions` or all of them. Throws with what is
   * wrong, and with the workers' states and logs.
   */
  async expectExact(timeoutMs = 40_000, partitions?: ReadonlySet<number>): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const { inputs, ...verdict } = await judgeChains(this.brokers, this.topics, partitions)
      const wrong = wrongsOf(verdict)
      const short = partitions === undefined && inputs < (await this.inputSize())
      if (wrong.length === 0 && !short) {
        this.foundExact = { partitions }
        return this.checkProtocols()
      }
      const onlyLate = wrong.every(([what]) => what === 'missing')
      if (onlyLate && Date.now() < deadline) {
        await wait(300)
        continue
      }
      const found = wrong.map(said)
      if (short) found.push(`the oracle saw only ${inputs} records of the input`)
      throw new Error([...found, ...this.alive().map(worker => worker.describe())].join('\n'))
    }
  }

  /**
   * Ends whoever still works, and looks once more at what `expectExact` has found exact: it returns at its first look, and
   * something may have come later. Throws where that is wrong; what is missing was written to the input since.
   */
  async lastLook(): Promise<Shown> {
    await Promise.all(this.alive().map(worker => worker.kill()))
    if (this.foundExact === null) return 'stopped as said'
    const { partitions } = this.foundExact
    const verdict = await judgeChains(this.brokers, this.topics, partitions)
    const wrong = wrongsOf({ ...verdict, missing: [] })
    if (wrong.length > 0) throw new Error(`after the end ${wrong.map(said).join('\n')}`)
    if (verdict.missing.length > 0) return 'stopped as said'
    return (partitions?.size ?? this.partitions) < this.partitions ? 'stopped as said, the others exact' : 'exact'
  }

  /** Throws unless every timer line stands behind its key's link of that number. */
  async expectTimersBehind(link: number): Promise<void> {
    const { before, behind } = await timersAt(this.brokers, this.topics, link)
    if (before.length === 0 && behind > 0) return
    const found = `${before.length} timers came before link ${link}, ${behind} behind it: ${before.slice(0, 5).join('; ')}`
    throw new Error([found, ...this.alive().map(worker => worker.describe())].join('\n'))
  }

  async until(timeoutMs: number, what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!(await condition())) {
      if (Date.now() > deadline) {
        throw new Error(
          `not within ${timeoutMs} ms: ${what}; workers:\n${this.workers.map(worker => worker.describe()).join('\n')}`,
        )
      }
      await wait(50)
    }
  }

  /** How a worker ends that shall end by itself. */
  async endOf(worker: Worker, timeoutMs = 40_000): Promise<number | NodeJS.Signals | null> {
    await this.until(timeoutMs, 'the worker has ended', () => !worker.alive)
    return worker.exited
  }

  /** Ends every worker by SIGTERM; each must end cleanly. */
  async stopAll(): Promise<void> {
    for (const worker of this.alive()) {
      const end = await worker.stop()
      if (end !== 0) throw new Error(`a worker ended with ${end}: ${worker.describe()}`)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.alive().map(worker => worker.kill()))
    await this.producer.disconnect()
    await this.admin.deleteTopics({ topics: Object.values<string>({ ...this.topics }) }).catch(() => undefined)
    await this.admin.disconnect()
    await rm(this.stateDirectory, { recursive: true, force: true })
  }

  /** Records of the input, which is neither transactional nor compacted. */
  private async inputSize(): Promise<number> {
    return [...(await this.ends(this.topics.input)).values()].reduce((sum, end) => sum + end, 0)
  }

  private checkProtocols(): void {
    for (const worker of this.alive()) {
      const { protocol } = worker.settings
      const other = worker.tasks.find(({ state, transactionProtocol }) => {
        return state === 'running' && transactionProtocol !== protocol
      })
      if (other !== undefined) {
        throw new Error(`partition ${other.partition} uses ${other.transactionProtocol}, not ${protocol}`)
      }
    }
  }

  private alive(): Worker[] {
    return this.workers.filter(worker => worker.alive)
  }

  private async writeRound(everyMs: number): Promise<void> {
    const round = ++this.written
    const messages = this.keys.map(key => ({ key, value: `${key}#${round}` }))
    for (let tries = 1; ; tries++) {
      try {
        await this.producer.send({ topic: this.topics.input, acks: -1, messages, timeout: 5_000 })
        break
      } catch (error) {
        if (tries === 20) throw error
        await wait(500)
      }
    }
    if (everyMs > 0) await wait(everyMs)
  }
}

type Wrong = readonly [what: string, lines: readonly string[]]

function wrongsOf({ missing, doubled, foreign, disordered }: Verdict): Wrong[] {
  return Object.entries({ missing, doubled, foreign, disordered }).filter(([, lines]) => lines.length > 0)
}

const said = ([what, lines]: Wrong): string => `${what}: ${lines.length}, such as ${lines.slice(0, 5).join('; ')}`
