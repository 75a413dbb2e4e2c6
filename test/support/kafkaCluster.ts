import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../sandbox/bed/freePorts.ts'
import { startGuarded } from '../../sandbox/bed/guardedProcess.ts'
import type { GuardedProcess } from '../../sandbox/bed/guardedProcess.ts'
import { resolveJvmArtifacts } from '../../sandbox/bed/jvmArtifacts.ts'
import { serverProperties } from '../../sandbox/bed/kafkaProperties.ts'
import type { KafkaNode } from '../../sandbox/bed/kafkaProperties.ts'
import { awaitKafka } from '../../sandbox/bed/readiness.ts'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'

const READY_WITHIN_MS = 90_000
const LOGGER = '-Dorg.slf4j.simpleLogger'
const jvm = [
  '-XX:+UseSerialGC',
  '-XX:-UsePerfData',
  '-Xshare:auto',
  `${LOGGER}.defaultLogLevel=warn`,
  // It says there which markers it leaves out (KAFKA-20734).
  `${LOGGER}.log.kafka.coordinator.transaction.TransactionMarkerChannelManager=info`,
]

export interface KafkaClusterOptions {
  /** Default 1. */
  readonly nodes?: 1 | 3
  /** Default: the bed's. */
  readonly kafkaVersion?: string
  /** server.properties beyond those of the bed. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/** A Kafka cluster of its own whose nodes can be killed and started again over their data. Needs Java. */
export class KafkaCluster {
  readonly brokers: string
  readonly kafkaVersion: string
  readonly size: number
  private readonly directory: string
  private readonly nodes: readonly KafkaNode[]
  private readonly classpath: string
  /** Removes the directory when this process ends, however that happens. */
  private readonly keeper: GuardedProcess
  private readonly processes: ({ readonly guarded: GuardedProcess; readonly serverStep: number } | undefined)[] = []

  private constructor(directory: string, nodes: readonly KafkaNode[], classpath: string, kafkaVersion: string) {
    this.directory = directory
    this.nodes = nodes
    this.size = nodes.length
    this.classpath = classpath
    this.kafkaVersion = kafkaVersion
    this.brokers = nodes.map(node => `127.0.0.1:${node.clientPort}`).join(',')
    const logFile = join(directory, 'keeper.log')
    const forever = [process.execPath, '-e', 'setInterval(() => {}, 1e6)']
    this.keeper = startGuarded({ steps: [forever], logFile, disposableDir: directory })
  }

  static async start(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
    const { nodes: count = 1, kafkaVersion = KAFKA_VERSION, settings = {} } = options
    const { kafkaClasspath } = await resolveJvmArtifacts(line => void process.stderr.write(`${line}\n`), kafkaVersion)
    const ports = await freePorts(2 * count)
    const nodes = Array.from({ length: count }, (_, index) => ({
      id: index + 1,
      clientPort: ports[2 * index] ?? 0,
      controllerPort: ports[2 * index + 1] ?? 0,
    }))
    const directory = mkdtempSync(join(tmpdir(), 'onfile-cluster-'))
    const cluster = new KafkaCluster(directory, nodes, kafkaClasspath, kafkaVersion)
    const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
    const extra = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
    for (const [index, node] of nodes.entries()) {
      const data = cluster.dataOf(node)
      writeFileSync(cluster.propertiesOf(node), serverProperties(node, nodes, data) + extra.join(''))
      cluster.run(index, [cluster.formatCommand(node, clusterId)])
    }
    await cluster.untilReady()
    return cluster
  }

  /** What the cluster calls that node. */
  nodeId(index: number): number {
    return this.nodes[index]!.id
  }

  /** Where that node keeps its logs, a directory for each partition. */
  dataDirectory(index: number): string {
    return this.dataOf(this.nodes[index]!)
  }

  /** SIGKILL. */
  async kill(index: number): Promise<void> {
    await this.end(index, 'SIGKILL')
  }

  /** SIGTERM, and waits until it has handed over what it leads and ended. */
  async shutDown(index: number): Promise<void> {
    await this.end(index, 'SIGTERM')
  }

  /** Starts a node that was ended. Resolves when the whole cluster is there again. */
  async restart(index: number): Promise<void> {
    this.run(index, [])
    await this.untilReady()
  }

  /** What the nodes have logged so far. */
  log(): string {
    return this.nodes.map(node => readFileSync(this.logOf(node), 'utf8')).join('\n')
  }

  async untilReady(): Promise<void> {
    await awaitKafka(this.brokers, READY_WITHIN_MS, new AbortController().signal)
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map(async process => process?.guarded.stop()))
    await this.keeper.stop()
  }

  private propertiesOf(node: KafkaNode): string {
    return join(this.directory, `server-${node.id}.properties`)
  }

  private dataOf(node: KafkaNode): string {
    return join(this.directory, `data-${node.id}`)
  }

  private logOf(node: KafkaNode): string {
    return join(this.directory, `log-${node.id}.txt`)
  }

  private java(heapMb: number, ...args: string[]): string[] {
    const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java'
    return [java, ...jvm, `-Xmx${heapMb}m`, '-cp', this.classpath, ...args]
  }

  private formatCommand(node: KafkaNode, clusterId: string): string[] {
    const args = ['format', '--cluster-id', clusterId, '--config', this.propertiesOf(node)]
    return this.java(128, 'kafka.tools.StorageTool', ...args)
  }

  private run(index: number, before: readonly string[][]): void {
    const node = this.nodes[index]!
    const steps = [...before, this.java(512, 'kafka.Kafka', this.propertiesOf(node))]
    const guarded = startGuarded({ steps, logFile: this.logOf(node) })
    this.processes[index] = { guarded, serverStep: before.length }
  }

  private async end(index: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ending = this.processes[index]
    if (ending === undefined) return
    const { guarded, serverStep } = ending
    const pid = await guarded.pidOf(serverStep)
    process.kill(pid, signal)
    await guarded.ended
    await guarded.stop()
    this.processes[index] = undefined
  }
}
