import { fileURLToPath } from 'node:url'
import type { StreamsProgram } from './streams.ts'

/** One process of a side, as the harness starts it. */
export interface Launch {
  readonly brokers: string
  readonly group: string
  readonly stateDirectory: string
  readonly inputPrefix: string
  readonly outputPrefix: string
  /** Static membership: a restart within the session time-out moves nothing. Null: a dynamic member. */
  readonly instanceId: string | null
}

/** A side of the race. */
export interface Contender {
  /** As it stands in file and topic names. */
  readonly name: 'onfile' | 'kafka-streams'
  readonly title: string
  /** A line for `bash -c "exec ..."`. */
  commandLine(launch: Launch): string
}

/** As in the Dockerfile, as far as it concerns speed and memory of this size. */
export const IMAGE_FLAGS: readonly string[] = ['--max-semi-space-size=16']
const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url))

function quoted(words: readonly string[]): string {
  return words.map(word => `'${word}'`).join(' ')
}

/** This engine, one process, defaults, Node's flags as in the image. `nodeFlags` are for profiling. */
export function onfileContender(nodeFlags: readonly string[] = []): Contender {
  return {
    name: 'onfile',
    title: 'onfile',
    commandLine: ({ brokers, group, stateDirectory, inputPrefix, outputPrefix, instanceId }) =>
      quoted([
        process.execPath,
        ...IMAGE_FLAGS,
        ...nodeFlags,
        workerFile,
        ...['--brokers', brokers, '--group', group, '--state', stateDirectory],
        ...[`--prefix=${inputPrefix}`, `--out=${outputPrefix}`],
        ...(instanceId === null ? [] : ['--instance', instanceId]),
      ]),
  }
}

/** Kafka Streams as its own measurements found it best: ParallelGC and producer batches of 128 KB. One stream thread. */
export function streamsContender(program: StreamsProgram): Contender {
  return {
    name: 'kafka-streams',
    title: 'Kafka Streams, tuned',
    commandLine: ({ brokers, group, stateDirectory, inputPrefix, outputPrefix, instanceId }) =>
      quoted([
        ...['java', '-Xms1g', '-Xmx1g', '-XX:+UseParallelGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'],
        ...['-cp', program.classPath, 'bench.App'],
        ...['--bootstrap', brokers, '--app-id', group, '--state-dir', stateDirectory, '--threads', '1'],
        ...['--prefix', inputPrefix, '--out', outputPrefix, '--set', 'producer.batch.size=131072'],
        ...(instanceId === null ? [] : ['--instance', instanceId]),
      ]),
  }
}
