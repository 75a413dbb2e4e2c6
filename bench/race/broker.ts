import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../sandbox/bed/freePorts.ts'
import { startGuarded } from '../../sandbox/bed/guardedProcess.ts'
import { resolveJvmArtifacts } from '../../sandbox/bed/jvmArtifacts.ts'
import { awaitKafka } from '../../sandbox/bed/readiness.ts'

/** The broker that both sides run on. */
export interface RaceBroker {
  /** `host:port`. */
  readonly brokers: string
  /** Its process, for its CPU time. */
  readonly pid: number
  stop(): Promise<void>
}

/** As in the peer's broker.properties: Kafka's defaults but for one node, few internal partitions, no waiting. */
const SETTINGS = {
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'auto.create.topics.enable': false,
  'num.partitions': 4,
}

/** One Kafka of the bed's version with the heap and collector of the peer's measurements; gone with this process. */
export async function startRaceBroker(): Promise<RaceBroker> {
  const { kafkaClasspath } = await resolveJvmArtifacts(line => void process.stderr.write(`${line}\n`))
  const [clientPort = 0, controllerPort = 0] = await freePorts(2)
  const directory = mkdtempSync(join(tmpdir(), 'onfile-race-kafka-'))
  const properties = join(directory, 'server.properties')
  const settings = {
    ...SETTINGS,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${clientPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${clientPort}`,
    'log.dirs': join(directory, 'data'),
  }
  writeFileSync(
    properties,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const java = ['java', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-XX:-UsePerfData', '-cp', kafkaClasspath]
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
  const broker = startGuarded({
    steps: [
      [...java, 'kafka.tools.StorageTool', 'format', '--cluster-id', clusterId, '--config', properties],
      [java[0]!, '-Xms1g', '-Xmx1g', '-XX:+UseG1GC', ...java.slice(1), 'kafka.Kafka', properties],
    ],
    logFile: join(directory, 'log.txt'),
    disposableDir: directory,
  })
  const brokers = `127.0.0.1:${clientPort}`
  const settled = new AbortController()
  const ended = broker.ended.then(how => {
    throw new Error(`The race's broker ended (${how}):\n${broker.logTail()}`)
  })
  try {
    await Promise.race([awaitKafka(brokers, 60_000, settled.signal), ended])
    return { brokers, pid: await broker.pidOf(1), stop: () => broker.stop() }
  } catch (error) {
    settled.abort()
    await broker.stop()
    throw error
  }
}
