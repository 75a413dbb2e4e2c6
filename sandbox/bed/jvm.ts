import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BedStartError } from './errors.ts'
import { freePorts } from './freePorts.ts'
import { startGuarded } from './guardedProcess.ts'
import type { GuardedProcess } from './guardedProcess.ts'
import { jvmArtifactsCached, resolveJvmArtifacts } from './jvmArtifacts.ts'
import { serverProperties } from './kafkaProperties.ts'
import type { KafkaNode } from './kafkaProperties.ts'
import { awaitKafka, awaitRegistry } from './readiness.ts'
import { REGISTRY_API_PATH } from './versions.ts'

const run = promisify(execFile)
const readyWithinMs = 60_000
const startAttempts = 3

/** JVM settings of all processes of the bed: small, quick to start, nothing left in the temporary directory. */
const leanJvm = ['-XX:+UseSerialGC', '-XX:-UsePerfData', '-Xshare:auto', '-Djava.awt.headless=true']
const quietLog = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true']

const javaCommand = (): string => {
  const home = process.env.JAVA_HOME
  return home ? join(home, 'bin', 'java') : 'java'
}

/** Why the JVM way is closed on this machine, or undefined when it is open. */
export const jvmObstacle = async (kafkaVersion: string): Promise<string | undefined> => {
  const java = await run(javaCommand(), ['-version']).catch(() => undefined)
  if (java === undefined) return 'no Java (neither JAVA_HOME nor java on the PATH)'
  const major = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0)
  if (major < 17) return `Java ${major} is too old, 17 is needed`
  if (jvmArtifactsCached(kafkaVersion)) return undefined
  const maven = await run('mvn', ['-version']).catch(() => undefined)
  return maven === undefined ? 'Java is there, Maven (mvn) is not on the PATH' : undefined
}

const startKafkaNode = (
  node: KafkaNode,
  cluster: readonly KafkaNode[],
  clusterId: string,
  classpath: string,
): GuardedProcess => {
  const dir = mkdtempSync(join(tmpdir(), 'onfile-bed-kafka-'))
  const properties = join(dir, 'server.properties')
  writeFileSync(properties, serverProperties(node, cluster, join(dir, 'data')))
  const java = javaCommand()
  return startGuarded({
    steps: [
      [
        java,
        ...leanJvm,
        ...quietLog,
        '-Xmx128m',
        '-XX:TieredStopAtLevel=1',
        '-cp',
        classpath,
        'kafka.tools.StorageTool',
        'format',
        '--cluster-id',
        clusterId,
        '--config',
        properties,
      ],
      [java, ...leanJvm, ...quietLog, '-Xms128m', '-Xmx512m', '-cp', classpath, 'kafka.Kafka', properties],
    ],
    logFile: join(dir, 'log.txt'),
    disposableDir: dir,
  })
}

const startRegistry = (port: number, jar: string): GuardedProcess => {
  const dir = mkdtempSync(join(tmpdir(), 'onfile-bed-registry-'))
  return startGuarded({
    steps: [
      [
        javaCommand(),
        ...leanJvm,
        '-Xmx256m',
        '-XX:TieredStopAtLevel=1',
        `-Djava.io.tmpdir=${dir}`,
        '-Dquarkus.http.host=127.0.0.1',
        `-Dquarkus.http.port=${port}`,
        '-Dquarkus.log.level=WARN',
        // Without it the same schema with other white space is another version (Confluent's registry compares schemas, not their text).
        '-Dregistry.ccompat.use-canonical-hash=true',
        '-jar',
        jar,
      ],
    ],
    logFile: join(dir, 'log.txt'),
    disposableDir: dir,
  })
}

/** Resolves when `ready` does; rejects, with the end of the log, when a process of `part` ends before. */
const orEnded = async (part: string, processes: readonly GuardedProcess[], ready: Promise<void>): Promise<void> => {
  const ends = processes.map(async guarded => {
    const how = await guarded.ended
    throw new BedStartError(part, `its process ended (${how})`, guarded.logTail())
  })
  await Promise.race([ready, ...ends])
}

/** Kafka (`brokerCount` combined KRaft nodes) and the registry as JVM processes on free loopback ports. */
export const startOnJvm = async (
  brokerCount: number,
  kafkaVersion: string,
  log: (line: string) => void,
): Promise<{ brokers: string; registryUrl: string; stop(): Promise<void> }> => {
  const artifacts = await resolveJvmArtifacts(log, kafkaVersion)
  for (let attempt = 1; ; attempt += 1) {
    const [registryPort = 0, ...kafkaPorts] = await freePorts(1 + 2 * brokerCount)
    const cluster = Array.from({ length: brokerCount }, (_, index): KafkaNode => ({
      id: index + 1,
      clientPort: kafkaPorts[2 * index] ?? 0,
      controllerPort: kafkaPorts[2 * index + 1] ?? 0,
    }))
    const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A')
    const brokers = cluster.map(node => `127.0.0.1:${node.clientPort}`).join(',')
    const registryUrl = `http://127.0.0.1:${registryPort}${REGISTRY_API_PATH}`
    const registry = startRegistry(registryPort, artifacts.registryJar)
    const nodes = cluster.map(node => startKafkaNode(node, cluster, clusterId, artifacts.kafkaClasspath))
    const stop = async (): Promise<void> => {
      await Promise.all([registry, ...nodes].map(guarded => guarded.stop()))
    }
    const settled = new AbortController()
    try {
      await Promise.all([
        orEnded('Kafka', nodes, awaitKafka(brokers, readyWithinMs, settled.signal)),
        orEnded('schema registry', [registry], awaitRegistry(registryUrl, readyWithinMs, settled.signal)),
      ])
      return { brokers, registryUrl, stop }
    } catch (error) {
      settled.abort()
      await stop()
      const portTaken = error instanceof Error && /already in use|BindException/i.test(error.message)
      if (!portTaken || attempt === startAttempts) throw error
      log('A port was taken meanwhile; starting again on others')
    }
  }
}
