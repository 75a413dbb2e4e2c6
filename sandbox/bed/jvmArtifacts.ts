import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BedStartError } from './errors.ts'
import { startGuarded } from './guardedProcess.ts'
import type { GuardedProcess } from './guardedProcess.ts'
import { KAFKA_VERSION, REGISTRY_VERSION } from './versions.ts'

/** Where the jars are, ready for `java`. */
export interface JvmArtifacts {
  /** Class path of the broker: every jar of its directory. */
  readonly kafkaClasspath: string
  /** The registry's runnable jar (its libraries lie beside it). */
  readonly registryJar: string
}

const pomPath = fileURLToPath(new URL('./pom.xml', import.meta.url))
const defaultCacheDir = fileURLToPath(new URL('../../.cache/bed', import.meta.url))

const registryJarIn = (directory: string): string | undefined => {
  const name = existsSync(directory) ? readdirSync(directory).find(entry => entry.endsWith('-runner.jar')) : undefined
  return name === undefined ? undefined : join(directory, name)
}

/** Directories of `kafkaVersion` and of the registry in the cache; a changed pom has new ones. */
const places = (cacheDir: string, kafkaVersion: string): { kafka: string; registry: string } => {
  const pomHash = createHash('sha256').update(readFileSync(pomPath)).digest('hex').slice(0, 8)
  return {
    kafka: join(cacheDir, `kafka-${kafkaVersion}-${pomHash}`),
    registry: join(cacheDir, `registry-${REGISTRY_VERSION}-${pomHash}`),
  }
}

/**
 * Runs Maven with its output in `incoming`, which is gone when the returned process stops, or when this one dies.
 *
 * @throws BedStartError with the last lines of Maven's output.
 */
const runMaven = async (
  incoming: string,
  args: readonly string[],
  log: (line: string) => void,
): Promise<GuardedProcess> => {
  const logFile = join(incoming, 'maven.log')
  const maven = startGuarded({ steps: [['mvn', '-B', '-f', pomPath, ...args]], logFile, disposableDir: incoming })
  let toldCount = 0
  const telling = setInterval(() => {
    const output = existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''
    const fetched = output.match(/Downloaded from/g)?.length ?? 0
    if (fetched > toldCount) log(`  ${fetched} files fetched`)
    toldCount = fetched
  }, 1500)
  const how = await maven.ended
  clearInterval(telling)
  if (how === 'code 0') return maven
  const tail = maven.logTail()
  await maven.stop()
  throw new BedStartError('Maven download', `mvn ended (${how})`, tail)
}

/**
 * The jars of Kafka and the registry, out of the cache below the repository (`.cache/bed`) or, the first time and after
 * a change of pom.xml, by Maven into it. A directory gets its final name only when it is complete, so that a killed
 * download leaves nothing half done and two processes may resolve at once.
 *
 * @throws BedStartError when Maven fails; the message ends with its last lines.
 */
export const resolveJvmArtifacts = async (
  log: (line: string) => void,
  kafkaVersion = KAFKA_VERSION,
  cacheDir = defaultCacheDir,
): Promise<JvmArtifacts> => {
  const { kafka, registry } = places(cacheDir, kafkaVersion)
  const missing = { kafka: !existsSync(kafka), registry: !existsSync(registry) }
  if (missing.kafka || missing.registry) {
    log(
      `Fetching with Maven, once: ${[missing.kafka && `Apache Kafka ${kafkaVersion}`, missing.registry && `Apicurio Registry ${REGISTRY_VERSION} (about 140 MB)`].filter(Boolean).join(', ')}`,
    )
    mkdirSync(cacheDir, { recursive: true })
    const incoming = mkdtempSync(join(cacheDir, 'incoming-'))
    const parts = { kafka: join(incoming, 'kafka'), registry: join(incoming, 'registry') }
    const goals = [
      ...(missing.kafka ? ['dependency:copy-dependencies@kafka'] : []),
      ...(missing.registry ? ['dependency:unpack@registry'] : []),
    ]
    const maven = await runMaven(
      incoming,
      [`-Dkafka.version=${kafkaVersion}`, `-Dbed.kafka=${parts.kafka}`, `-Dbed.registry=${parts.registry}`, ...goals],
      log,
    )
    try {
      if (missing.kafka) moveIfAbsent(parts.kafka, kafka)
      if (missing.registry) moveIfAbsent(parts.registry, registry)
    } finally {
      await maven.stop()
    }
  }
  const registryJar = registryJarIn(registry)
  if (registryJar === undefined)
    throw new BedStartError('schema registry', `no runnable jar in ${registry}: remove that directory`)
  return { kafkaClasspath: join(kafka, '*'), registryJar }
}

/** True when nothing has to be fetched, so that Maven need not be installed. */
export const jvmArtifactsCached = (kafkaVersion = KAFKA_VERSION, cacheDir = defaultCacheDir): boolean => {
  const { kafka, registry } = places(cacheDir, kafkaVersion)
  return existsSync(kafka) && registryJarIn(registry) !== undefined
}

const moveIfAbsent = (from: string, to: string): void => {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}
