import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { StartedNetwork, StartedTestContainer } from 'testcontainers'
import { BedStartError } from './errors.ts'
import { freePorts } from './freePorts.ts'
import { commonBrokerSettings } from './kafkaProperties.ts'
import { awaitKafka, awaitRegistry } from './readiness.ts'
import { REGISTRY_API_PATH, REGISTRY_VERSION } from './versions.ts'

const probeTimeoutMs = 2000
const startupTimeoutMs = 300_000
const readyWithinMs = 30_000

const daemonPlaces = (): string[] => {
  const host = process.env.DOCKER_HOST
  if (host) return [host]
  const runtimeDir = process.env.XDG_RUNTIME_DIR
  return [
    '/var/run/docker.sock',
    ...(runtimeDir ? [join(runtimeDir, '.docker/run/docker.sock'), join(runtimeDir, 'docker.sock')] : []),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
  ].map(path => `unix://${path}`)
}

const answersPing = (place: string): Promise<boolean> => {
  const path = place.startsWith('unix://') ? place.slice('unix://'.length) : undefined
  if (path !== undefined && !existsSync(path)) return Promise.resolve(false)
  // A TLS or ssh daemon is left to testcontainers, which knows how to reach it: who sets DOCKER_HOST so means it.
  if (path === undefined && (!place.startsWith('tcp://') || process.env.DOCKER_TLS_VERIFY)) return Promise.resolve(true)
  return new Promise(resolve => {
    const target = path === undefined ? new URL('/_ping', place.replace(/^tcp:/, 'http:')) : undefined
    const options = { socketPath: path, path: '/_ping', timeout: probeTimeoutMs }
    const ping = target === undefined ? request(options) : request(target, { timeout: probeTimeoutMs })
    ping.once('response', answer => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    ping.once('timeout', () => ping.destroy(new Error('timeout')))
    ping.once('error', () => resolve(false))
    ping.end()
  })
}

/** Why the Docker way is closed on this machine, or undefined when a daemon answers. */
export const dockerObstacle = async (): Promise<string | undefined> => {
  const places = daemonPlaces()
  for (const place of places) if (await answersPing(place)) return undefined
  return `no Docker daemon answers at ${places.join(', ')}`
}

const environmentName = (key: string): string => `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`

const tellWhileWaiting = async <T>(work: Promise<T>, log: (line: string) => void): Promise<T> => {
  const startedAtMs = Date.now()
  const telling = setInterval(() => {
    log(
      `  waiting for Docker since ${Math.round((Date.now() - startedAtMs) / 1000)} s (images are pulled the first time)`,
    )
  }, 5000)
  try {
    return await work
  } finally {
    clearInterval(telling)
  }
}

/**
 * Kafka (`brokerCount` combined KRaft nodes of `apache/kafka`) and Apicurio Registry as containers. Brokers get fixed
 * host ports: the advertised address is known before the start and survives a restart of the container. Testcontainers
 * removes the containers when this process dies.
 *
 * @throws BedStartError when an image cannot be pulled or a container does not come up; nothing is left running.
 */
export const startOnDocker = async (
  brokerCount: number,
  kafkaVersion: string,
  log: (line: string) => void,
): Promise<{ brokers: string; registryUrl: string; stop(): Promise<void> }> => {
  const { GenericContainer, Network, Wait, getContainerRuntimeClient } = await import('testcontainers')
  const host = (await getContainerRuntimeClient()).info.containerRuntime.host
  const ports = await freePorts(brokerCount)
  const started: (StartedTestContainer | StartedNetwork)[] = []
  const stop = async (): Promise<void> => {
    const containers = started.splice(0).reverse()
    for (const container of containers) await container.stop()
  }
  const keep = async <T extends StartedTestContainer | StartedNetwork>(starting: Promise<T>): Promise<T> => {
    const thing = await starting
    started.push(thing)
    return thing
  }
  try {
    const network = await keep(new Network().start())
    const voters = ports.map((_, index) => `${index + 1}@kafka-${index + 1}:9094`).join(',')
    const nodes = ports.map((port, index) => {
      const settings: Record<string, string | number | boolean> = {
        'node.id': index + 1,
        'process.roles': 'broker,controller',
        'controller.quorum.voters': voters,
        'controller.listener.names': 'CONTROLLER',
        'inter.broker.listener.name': 'BROKER',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT',
        listeners: 'PLAINTEXT://:9092,BROKER://:9095,CONTROLLER://:9094',
        'advertised.listeners': `PLAINTEXT://${host}:${port},BROKER://kafka-${index + 1}:9095`,
        ...commonBrokerSettings(brokerCount),
      }
      const environment = Object.fromEntries(
        Object.entries(settings).map(([key, value]): [string, string] => [environmentName(key), String(value)]),
      )
      return new GenericContainer(`apache/kafka:${kafkaVersion}`)
        .withExposedPorts({ container: 9092, host: port })
        .withNetwork(network)
        .withNetworkAliases(`kafka-${index + 1}`)
        .withEnvironment({
          ...environment,
          CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw',
          KAFKA_HEAP_OPTS: '-Xms128m -Xmx512m',
        })
        .withWaitStrategy(Wait.forLogMessage(/Transitioning from RECOVERY to RUNNING/))
        .withStartupTimeout(startupTimeoutMs)
        .start()
    })
    const registry = new GenericContainer(`apicurio/apicurio-registry-mem:${REGISTRY_VERSION}`)
      .withExposedPorts(8080)
      .withEnvironment({ REGISTRY_CCOMPAT_USE_CANONICAL_HASH: 'true', JAVA_OPTIONS: '-Xmx256m' })
      .withWaitStrategy(Wait.forHttp('/health/ready', 8080))
      .withStartupTimeout(startupTimeoutMs)
      .start()
    const all = Promise.allSettled([keep(registry), ...nodes.map(keep)])
    const results = await tellWhileWaiting(all, log)
    for (const result of results) if (result.status === 'rejected') throw result.reason
    const brokers = ports.map(port => `${host}:${port}`).join(',')
    const registryUrl = `http://${host}:${(await registry).getMappedPort(8080)}${REGISTRY_API_PATH}`
    const signal = new AbortController().signal
    await Promise.all([awaitKafka(brokers, readyWithinMs, signal), awaitRegistry(registryUrl, readyWithinMs, signal)])
    return { brokers, registryUrl, stop }
  } catch (error) {
    await stop()
    throw new BedStartError('Docker containers', error instanceof Error ? error.message : String(error))
  }
}
