/** No way to a Kafka and a registry was found on this machine. The message lists the ways; the exit code is 69. */
export class BedUnavailableError extends Error {
  override readonly name = 'BedUnavailableError'
  readonly code = 'BED_UNAVAILABLE'
  readonly exitCode = 69

  constructor(obstacles: readonly string[]) {
    super(
      [
        'No Kafka and schema registry to run on. Provide one of the three ways:',
        '  1. Set ONFILE_BED_BROKERS (host:port, comma separated) and ONFILE_BED_REGISTRY_URL (Confluent-compatible URL).',
        '  2. Start a Docker daemon; the images are pulled by themselves.',
        '  3. Install Java 17 or newer and Maven; Apache Kafka and Apicurio Registry then run as JVM processes.',
        'Found on this machine:',
        ...obstacles.map(obstacle => `  - ${obstacle}`),
      ].join('\n'),
    )
  }
}

/** A way was found, but a part of the bed did not come up. `message` ends with the last lines of that part's log. */
export class BedStartError extends Error {
  override readonly name = 'BedStartError'
  readonly code = 'BED_START_FAILED'
  readonly exitCode = 69

  constructor(part: string, why: string, logTail = '') {
    super(
      `The bed's ${part} did not start: ${why}. Fix that or set ONFILE_BED_BROKERS and ONFILE_BED_REGISTRY_URL.${logTail && `\n${logTail}`}`,
    )
  }
}
