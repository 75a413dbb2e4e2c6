import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TopicAdmin } from '../../src/kafka/admin.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import type { RaceBroker } from './broker.ts'
import type { Contender, Launch } from './contenders.ts'
import { listOffset } from '../../src/kafka/offsets.ts'
import { raceTopics } from './topology.ts'
import type { RaceTopics } from './topology.ts'
import type { HarnessResult, StreamsProgram } from './streams.ts'

const PARTITIONS = 4

/** What one side reads and writes over several runs of it. */
export interface Lane {
  readonly contender: Contender
  readonly group: string
  readonly inputPrefix: string
  readonly outputPrefix: string
  readonly instanceId: string | null
  /** Size of the user population, for the harness's own events. */
  readonly users: number
}

/** The broker with its topics, and the harness that drives a side on it. */
export class Track {
  private readonly broker: RaceBroker
  private readonly program: StreamsProgram
  private readonly directory: string

  constructor(broker: RaceBroker, program: StreamsProgram, directory: string) {
    this.broker = broker
    this.program = program
    this.directory = directory
    mkdirSync(directory, { recursive: true })
  }

  /** A new input topic with `events` of `users` (seed 42). With `cover`, each user is touched once first. */
  async prefill(inputPrefix: string, events: number, users: number, cover: boolean): Promise<void> {
    await this.createTopics([`${inputPrefix}user-events`])
    const args = ['--prefix', inputPrefix, '--n', String(events), '--users', String(users), '--seed', '42']
    await this.harness('gen', [...args, ...(cover ? ['--cover'] : [])])
  }

  /** New output topics, and the changelog where the side does not make it itself. */
  async openLane(lane: Lane): Promise<void> {
    const topics = topicsOf(lane)
    await this.createTopics([topics.commands, topics.outcomes, topics.suppressions])
    if (lane.contender.name === 'onfile') await this.createTopics([topics.changelog], true)
  }

  /** Removes what the lane wrote: topics, local state. */
  async closeLane(lane: Lane): Promise<void> {
    rmSync(this.stateDirectory(lane), { recursive: true, force: true })
    const { commands, outcomes, suppressions, changelog } = topicsOf(lane)
    await this.withAdmin(admin => admin.deleteTopics([commands, outcomes, suppressions, changelog]))
  }

  /** From an empty group to the end of the input. */
  async throughput(lane: Lane): Promise<HarnessResult> {
    return this.measured('m1', lane, [])
  }

  async latency(
    lane: Lane,
    options: { readonly rate: number; readonly warmSeconds: number; readonly seconds: number },
  ): Promise<HarnessResult> {
    const { rate, warmSeconds, seconds } = options
    return this.measured('m2', lane, [
      ...['--rate', String(rate), '--warm-s', String(warmSeconds), '--secs', String(seconds)],
    ])
  }

  /** `killload`: kill -9 when nine tenths of `load` more events, sent as fast as they go, are committed. */
  async restart(lane: Lane, mode: 'clean' | 'killload', load: number): Promise<HarnessResult> {
    return this.measured('m3', lane, ['--mode', mode, '--load', String(load), '--variant', 'static'])
  }

  /** Record counts and digests of what the lane wrote, as a read_committed consumer sees it. */
  async counts(lane: Lane): Promise<HarnessResult> {
    return only(await this.harness('counts', ['--prefix', lane.inputPrefix, '--out', lane.outputPrefix]))
  }

  /** Records of the lane's input, which no transaction writes: its offsets have no gaps. */
  async inputSize(lane: Lane): Promise<number> {
    const { events } = topicsOf(lane)
    return this.withCluster(async cluster => {
      let size = 0
      for (let partition = 0; partition < PARTITIONS; partition++) {
        size += await listOffset(cluster, events, partition, 'latest')
      }
      return size
    })
  }

  private async measured(command: string, lane: Lane, more: readonly string[]): Promise<HarnessResult> {
    const { contender, group, inputPrefix, outputPrefix, instanceId, users } = lane
    const stateDirectory = this.stateDirectory(lane)
    const { brokers } = this.broker
    const launch: Launch = { brokers, group, stateDirectory, inputPrefix, outputPrefix, instanceId }
    return only(
      await this.harness(command, [
        ...['--prefix', inputPrefix, '--out', outputPrefix, '--group', group, '--users', String(users)],
        ...['--impl', contender.name, '--broker-pid', String(this.broker.pid), '--timeout-s', '300'],
        ...['--log', join(this.directory, `${group}.log`), '--app', contender.commandLine(launch)],
        ...more,
      ]),
    )
  }

  private stateDirectory(lane: Lane): string {
    return join(this.directory, lane.group)
  }

  private harness(command: string, args: readonly string[]): Promise<HarnessResult[]> {
    return this.program.harness(command, ['--bootstrap', this.broker.brokers, ...args])
  }

  private async createTopics(names: readonly string[], compacted = false): Promise<void> {
    const config: Record<string, string> = compacted ? { 'cleanup.policy': 'compact' } : {}
    const topics = names.map(name => ({ name, partitions: PARTITIONS, replicationFactor: 1, config }))
    await this.withAdmin(admin => admin.createTopics(topics))
  }

  private async withAdmin(work: (admin: TopicAdmin) => Promise<void>): Promise<void> {
    await this.withCluster(async cluster => {
      const admin = await TopicAdmin.connect(cluster)
      try {
        await work(admin)
      } finally {
        await admin.close()
      }
    })
  }

  private async withCluster<T>(work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const cluster = await Cluster.connect({ brokers: [this.broker.brokers], clientId: 'race' })
    try {
      return await work(cluster)
    } finally {
      await cluster.close()
    }
  }
}

function topicsOf({ inputPrefix, outputPrefix, group }: Lane): RaceTopics {
  return raceTopics(inputPrefix, outputPrefix, group)
}

function only(results: readonly HarnessResult[]): HarnessResult {
  const [result] = results
  if (result === undefined || results.length !== 1) throw new Error(`The harness printed ${results.length} results`)
  return result
}
