import { BedUnavailableError } from './errors.ts'
import { dockerObstacle, startOnDocker } from './docker.ts'
import { jvmObstacle, startOnJvm } from './jvm.ts'
import { KAFKA_VERSION } from './versions.ts'

/** A real Kafka and a real schema registry to run, test and measure on. */
export interface Bed {
  /** `host:port`, comma separated. */
  readonly brokers: string
  /** Base URL of the Confluent-compatible API, without a trailing slash: `registry.url` of the configuration. */
  readonly registryUrl: string
  readonly how: 'given' | 'docker' | 'jvm'
  /** Ends what `startBed` started (nothing when it was given) and removes its data. May be called again. */
  stop(): Promise<void>
}

export interface BedOptions {
  /** Gets progress lines. Default: standard error. */
  readonly log?: (line: string) => void
  /** Nodes of the cluster (combined KRaft). Default 1. */
  readonly brokers?: 1 | 3
  /** Kafka release, for tests against older ones. Default: the pinned one. */
  readonly kafkaVersion?: string
}

const given = (): Bed | undefined => {
  const brokers = process.env.ONFILE_BED_BROKERS
  const registryUrl = process.env.ONFILE_BED_REGISTRY_URL
  if (!brokers && !registryUrl) return undefined
  if (!brokers || !registryUrl) {
    throw new BedUnavailableError([
      `only ${brokers ? 'ONFILE_BED_BROKERS' : 'ONFILE_BED_REGISTRY_URL'} is set, the other one is missing`,
    ])
  }
  return { brokers, registryUrl: registryUrl.replace(/\/+$/, ''), how: 'given', stop: () => Promise.resolve() }
}

/**
 * Finds or starts Kafka and a schema registry, in this order:
 * 1. what `ONFILE_BED_BROKERS` and `ONFILE_BED_REGISTRY_URL` name, unless the caller asks for a certain cluster;
 * 2. Docker, where a daemon answers;
 * 3. Java and Maven, also where Docker is there but fails (no way to pull the images, say).
 *
 * What it starts keeps its data in the temporary directory (or the containers) and ends with this process, however that
 * ends. It is for one machine: plain text, no authentication.
 *
 * @throws BedUnavailableError when there is no way; its message says what to install. Exit code 69.
 * @throws BedStartError when the way that was found failed.
 */
export const startBed = async (options: BedOptions = {}): Promise<Bed> => {
  const log = options.log ?? ((line: string): void => void process.stderr.write(`${line}\n`))
  const asked = options.brokers !== undefined || options.kafkaVersion !== undefined
  const found = asked ? undefined : given()
  if (found !== undefined) return found

  const brokerCount = options.brokers ?? 1
  const kafkaVersion = options.kafkaVersion ?? KAFKA_VERSION
  const [noDocker, noJvm] = await Promise.all([dockerObstacle(), jvmObstacle(kafkaVersion)])
  if (noDocker !== undefined && noJvm !== undefined) throw new BedUnavailableError([noDocker, noJvm])
  if (noDocker === undefined) {
    try {
      return { how: 'docker', ...(await startOnDocker(brokerCount, kafkaVersion, log)) }
    } catch (error) {
      if (noJvm !== undefined) throw error
      log(`${error instanceof Error ? error.message : String(error)}\nGoing on with Java instead.`)
    }
  }
  return { how: 'jvm', ...(await startOnJvm(brokerCount, kafkaVersion, log)) }
}
