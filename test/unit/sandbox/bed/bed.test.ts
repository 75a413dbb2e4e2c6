import { readFileSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { startBed } from '../../../../sandbox/bed/bed.ts'
import { dockerObstacle } from '../../../../sandbox/bed/docker.ts'
import { BedUnavailableError } from '../../../../sandbox/bed/errors.ts'
import { freePorts } from '../../../../sandbox/bed/freePorts.ts'
import { jvmObstacle } from '../../../../sandbox/bed/jvm.ts'
import { commonBrokerSettings, serverProperties } from '../../../../sandbox/bed/kafkaProperties.ts'
import { KAFKA_VERSION, REGISTRY_VERSION } from '../../../../sandbox/bed/versions.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('given brokers and registry are taken as they are', async () => {
  vi.stubEnv('ONFILE_BED_BROKERS', 'kafka-1:9092,kafka-2:9092')
  vi.stubEnv('ONFILE_BED_REGISTRY_URL', 'http://registry:8081/')
  const bed = await startBed()
  expect(bed).toMatchObject({ brokers: 'kafka-1:9092,kafka-2:9092', registryUrl: 'http://registry:8081', how: 'given' })
  await bed.stop()
})

test.each([
  ['ONFILE_BED_BROKERS', 'kafka:9092'],
  ['ONFILE_BED_REGISTRY_URL', 'http://registry:8081'],
])('%s alone is refused', async (name, value) => {
  vi.stubEnv('ONFILE_BED_BROKERS', '')
  vi.stubEnv('ONFILE_BED_REGISTRY_URL', '')
  vi.stubEnv(name, value)
  await expect(startBed()).rejects.toThrow(`only ${name} is set`)
})

test('a machine with nothing is told the three ways, with exit code 69', async () => {
  vi.stubEnv('ONFILE_BED_BROKERS', '')
  vi.stubEnv('ONFILE_BED_REGISTRY_URL', '')
  vi.stubEnv('DOCKER_HOST', 'unix:///no/such/docker.sock')
  vi.stubEnv('JAVA_HOME', '/no/such/java')
  const refusal: unknown = await startBed({ log: () => undefined }).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(BedUnavailableError)
  expect(refusal).toMatchObject({ code: 'BED_UNAVAILABLE', exitCode: 69 })
  expect(String(refusal)).toMatch(/ONFILE_BED_BROKERS[^]*Docker[^]*Java 17[^]*no Docker daemon[^]*no Java/)
})

test('a Docker daemon that does not answer is an obstacle', async () => {
  const [port] = await freePorts(1)
  vi.stubEnv('DOCKER_HOST', `tcp://127.0.0.1:${port ?? 0}`)
  vi.stubEnv('DOCKER_TLS_VERIFY', '')
  expect(await dockerObstacle()).toContain(`tcp://127.0.0.1:${port ?? 0}`)
})

test('a missing Java is an obstacle even when everything is cached', async () => {
  vi.stubEnv('JAVA_HOME', '/no/such/java')
  expect(await jvmObstacle(KAFKA_VERSION)).toMatch(/no Java/)
})

test('pom.xml and the Docker images name the same releases', () => {
  const pom = readFileSync(new URL('../../../../sandbox/bed/pom.xml', import.meta.url), 'utf8')
  expect(/<kafka\.version>(.*)<\/kafka\.version>/.exec(pom)?.[1]).toBe(KAFKA_VERSION)
  expect(/<registry\.version>(.*)<\/registry\.version>/.exec(pom)?.[1]).toBe(REGISTRY_VERSION)
})

test.each([
  { brokerCount: 1, replicas: 1, minInSync: 1 },
  { brokerCount: 3, replicas: 3, minInSync: 2 },
])('$brokerCount brokers replicate $replicas times', ({ brokerCount, replicas, minInSync }) => {
  expect(commonBrokerSettings(brokerCount)).toMatchObject({
    'default.replication.factor': replicas,
    'min.insync.replicas': minInSync,
    'transaction.state.log.min.isr': minInSync,
    'auto.create.topics.enable': false,
  })
})

test('every node knows every voter and listens on loopback only', () => {
  const cluster = [1, 2, 3].map(id => ({ id, clientPort: 9000 + id, controllerPort: 9100 + id }))
  const properties = serverProperties(cluster[1]!, cluster, '/tmp/data').split('\n')
  expect(properties).toContain('controller.quorum.voters=1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103')
  expect(properties).toContain('listeners=PLAINTEXT://127.0.0.1:9002,CONTROLLER://127.0.0.1:9102')
})
