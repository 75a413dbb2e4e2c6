import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { resolveJvmArtifacts } from '../../sandbox/bed/jvmArtifacts.ts'

const READ_DEADLINE_MS = 1_200_000
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
  const records: CommittedRecord[] = []
  for await (const record of committedRecords(brokers, topics)) records.push(record)
  return records
}

/** The same one by one: an hour of load is more than fits into one string. Throws when the reader ends with an error. */
export async function* committedRecords(brokers: string, topics: readonly string[]): AsyncGenerator<CommittedRecord> {
  const { kafkaClasspath } = await resolveJvmArtifacts(line => void process.stderr.write(`${line}\n`))
  const java = process.env.JAVA_HOME ? `${process.env.JAVA_HOME}/bin/java` : 'java'
  const child = spawn(
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
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: READ_DEADLINE_MS },
  )
  let complaint = ''
  child.stderr.on('data', (bytes: Buffer) => (complaint = (complaint + bytes.toString()).slice(-2_000)))
  const ended = once(child, 'close')
  try {
    for await (const line of createInterface({ input: child.stdout })) if (line !== '') yield recordOf(line)
    const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null]
    if (code !== 0) throw new Error(`The reader ended with ${code ?? signal ?? 'nothing'}: ${complaint}`)
  } finally {
    child.kill()
  }
}

function recordOf(line: string): CommittedRecord {
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
