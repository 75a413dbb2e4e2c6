import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { resolveJvmArtifacts } from '../../sandbox/bed/jvmArtifacts.ts'

const run = promisify(execFile)
const reader = fileURLToPath(new URL('./ReadCommitted.java', import.meta.url))

/** One committed record, as Apache Kafka's own consumer saw it. */
export interface CommittedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly CommittedHeader[]
}

export interface CommittedHeader {
  readonly key: string
  readonly value: Buffer | null
}

/**
 * Everything that a read_committed reader sees in the topics, from their beginning to their last stable offset, read by
 * Apache Kafka's Java client: nothing of the code under test has a part in it. Needs Java 17.
 */
export async function readCommitted(brokers: string, topics: readonly string[]): Promise<CommittedRecord[]> {
  const { kafkaClasspath } = await resolveJvmArtifacts(line => void process.stderr.write(`${line}\n`))
  const java = process.env.JAVA_HOME ? `${process.env.JAVA_HOME}/bin/java` : 'java'
  const { stdout } = await run(
    java,
    [
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      '-cp',
      kafkaClasspath,
      reader,
      brokers,
      ...topics,
    ],
    { maxBuffer: 1 << 30, encoding: 'utf8', timeout: 60_000 },
  )
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [topic = '', partition, offset, timestamp, key, value, headers] = line.split(' ')
      return {
        topic,
        partition: Number(partition),
        offset: Number(offset),
        timestamp: Number(timestamp),
        key: bytesOf(key),
        value: bytesOf(value),
        headers: headersOf(headers),
      }
    })
}

function bytesOf(text: string | undefined): Buffer | null {
  return text === undefined || text === '-' ? null : Buffer.from(text, 'base64')
}

function headersOf(text: string | undefined): CommittedHeader[] {
  if (text === undefined || text === '-') return []
  return text.split(',').map(header => {
    const [key, value] = header.split(':')
    return { key: bytesOf(key)?.toString('utf8') ?? '', value: bytesOf(value) }
  })
}
