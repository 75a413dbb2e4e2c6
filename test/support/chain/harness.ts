import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Producer } from 'kafkajs'
import type { RoleStatus } from '../../../src/engine/status.ts'
import { readCommitted } from '../readCommitted.ts'
import { createTopics, testClient } from '../topics.ts'
import { expectedLines, inputValue } from './topology.ts'
import type { ChainSettings } from './worker.ts'

const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** A worker process and the last status that it printed. */
export interface Worker {
  readonly process: ChildProcess
  readonly exited: Promise<number | NodeJS.Signals | null>
  status(): RoleStatus | null
  log(): string
}

export interface Verdict {
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  readonly foreign: readonly string[]
  readonly disordered: readonly string[]
}

/** One run of the chain topology: its topics, its input, its worker processes and the check of its output. */
export class ChainRun {
  readonly id: string
  readonly topics: ChainSettings['topics']
  readonly stateDirectory: string
  private readonly brokers: string
  private readonly partitions: number
  private readonly keys: readonly string[]
  private readonly workers: Worker[] = []
  private readonly producer: Producer
  private written = 0

  private constructor(brokers: string, id: string, stateDirectory: string, partitions: number, keyCount: number) {
    this.brokers = brokers
    this.id = id
    this.stateDirectory = stateDirectory
    this.partitions = partitions
    this.topics = { input: `${id}-in`, output: `${id}-out`, changelog: `${id}-log` }
    this.keys = Array.from({ length: keyCount }, (_, i) => `key-${i}`)
    this.producer = testClient(brokers).producer()
  }

  static async create(brokers: string, options: { partitions?: number; keys?: number } = {}): Promise<ChainRun> {
    const id = `chain-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 6)}`
    const stateDirectory = await mkdtemp(join(tmpdir(), 'onfile-chain-'))
    const run = new ChainRun(brokers, id, stateDirectory, options.partitions ?? 4, options.keys ?? 40)
    const { input, output, changelog } = run.topics
    const numPartitions = run.partitions
    await createTopics(brokers, [
      { topic: input, numPartitions },
      { topic: output, numPartitions },
      { topic: changelog, numPartitions, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
    ])
    await run.producer.connect()
    return run
  }

  /** Writes the next `rounds` records of every key, one round every `everyMs`. */
  async write(rounds: number, everyMs = 0): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      this.written++
      const messages = this.keys.map(key => ({ key, value: inputValue(key, this.written) }))
      await this.producer.send({ topic: this.topics.input, acks: -1, messages })
      if (everyMs > 0) await wait(everyMs)
    }
  }

  start(settings: Partial<ChainSettings> = {}): Worker {
    const full: ChainSettings = {
      brokers: this.brokers,
      applicationId: this.id,
      stateDirectory: this.stateDirectory,
      topics: this.topics,
      sessionTimeoutMs: 6_000,
      instanceId: null,
      logLevel: 'warn',
      killAt: null,
      ...settings,
    }
    const child = spawn(process.execPath, [workerFile], {
      env: { ...process.env, CHAIN_SETTINGS: JSON.stringify(full) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let status: RoleStatus | null = null
    let log = ''
    let rest = ''
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      const last = lines.at(-1)
      if (last) status = JSON.parse(last) as RoleStatus
    })
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
    const exited = new Promise<number | NodeJS.Signals | null>(resolve => {
      child.once('exit', (code, signal) => resolve(signal ?? code))
    })
    const worker = { process: child, exited, status: () => status, log: () => log }
    this.workers.push(worker)
    return worker
  }

  /** Waits until the workers that live hold and run all partitions. */
  async untilRunning(timeoutMs = 20_000): Promise<void> {
    await this.until(timeoutMs, () => {
      const running = this.alive().flatMap(w => w.status()?.tasks.filter(t => t.state === 'running') ?? [])
      return running.length === this.partitions
    })
  }

  /** Waits until everything written is in the output. Throws with what is wrong, and with the workers' states and logs. */
  async expectExact(timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const verdict = await this.verdict()
      const wrong = Object.entries<readonly string[]>({ ...verdict }).filter(([, lines]) => lines.length > 0)
      if (wrong.length === 0) return
      if (verdict.missing.length > 0 && Date.now() < deadline) {
        await wait(300)
        continue
      }
      const found = wrong.map(([what, lines]) => `${what}: ${lines.length}, such as ${lines.slice(0, 5).join('; ')}`)
      throw new Error([...found, ...this.alive().map(w => `${JSON.stringify(w.status())}\n${w.log()}`)].join('\n'))
    }
  }

  async verdict(): Promise<Verdict> {
    const found = new Map<string, string[]>(this.keys.map(key => [key, []]))
    const foreign: string[] = []
    for (const { key, value } of await readCommitted(this.brokers, [this.topics.output])) {
      const lines = found.get(key?.toString() ?? '')
      if (lines === undefined) foreign.push(`${key?.toString() ?? ''}: ${value?.toString() ?? ''}`)
      else lines.push(value?.toString() ?? '')
    }
    const missing: string[] = []
    const doubled: string[] = []
    const disordered: string[] = []
    for (const [key, expected] of expectedLines(this.keys, this.written)) {
      const lines = found.get(key) ?? []
      const seen = new Set<string>()
      let last = 0
      for (const line of lines) {
        if (!expected.has(line)) foreign.push(`${key}: ${line}`)
        if (seen.has(line)) doubled.push(`${key}: ${line}`)
        seen.add(line)
        const [kind, count] = line.split(' ')
        if (kind !== 'link') continue
        if (Number(count) <= last) disordered.push(`${key}: ${line} after ${last}`)
        last = Number(count)
      }
      for (const line of expected) if (!seen.has(line)) missing.push(`${key}: ${line}`)
    }
    return { missing, doubled, foreign, disordered }
  }

  async until(timeoutMs: number, condition: () => boolean): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!condition()) {
      if (Date.now() > deadline) {
        const states = this.alive().map(w => JSON.stringify(w.status()) + w.log())
        throw new Error(`not reached within ${timeoutMs} ms; workers: ${states.join('\n')}`)
      }
      await wait(50)
    }
  }

  async close(): Promise<void> {
    for (const worker of this.alive()) {
      worker.process.kill('SIGCONT')
      worker.process.kill('SIGKILL')
      await worker.exited
    }
    await this.producer.disconnect()
    await rm(this.stateDirectory, { recursive: true, force: true })
  }

  private alive(): Worker[] {
    return this.workers.filter(w => w.process.exitCode === null && w.process.signalCode === null)
  }
}
