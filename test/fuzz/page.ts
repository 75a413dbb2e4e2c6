import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { maxDecompressedBytes } from '../../src/kafka/compression.ts'
import { ALLOCATION_BASE_BYTES, ALLOCATION_PER_INPUT_BYTE, CASE_LIMIT_MS } from './caseRun.ts'
import type { TargetResult } from './rounds.ts'

export interface FullRun {
  readonly seed: number
  readonly seconds: number
  readonly threads: number
  readonly peakBytes: number
  readonly results: readonly TargetResult[]
  /** What else must be known of it. */
  readonly note?: string
}

const MIB = 1 << 20

/** `docs/fuzzing.md`, from a run. */
export function fuzzingPage({ seed, seconds, threads, peakBytes, results, note }: FullRun): string {
  const cases = results.reduce((sum, result) => sum + result.cases, 0)
  const date = new Date().toISOString().slice(0, 10)
  const rows = results.map(
    ({ target, cases: run, values, typedErrors, slowestMs }) =>
      `| ${target} | ${run} | ${values} | ${typedErrors} | ${slowestMs.toFixed(1)} |`,
  )
  return `# Fuzzing

Written by \`npm run fuzz -- --write\`; do not edit. Every decoder of bytes that come from outside gets damaged bytes: valid
values of each kind with flipped bits, cuts at each length, fields that say too much or less than nothing, varints too long,
pieces of other values, pieces twice, noise. The mutations are in \`test/fuzz/mutations.ts\`, the decoders in
\`test/fuzz/table.ts\`; a test fails when one is exported and not in the table, and a sample of the cases is part of \`npm test\`.

The law, for each case:

- **It returns a value or throws one of our typed errors**: \`ProtocolError\` and its \`CorruptBatchError\`, \`AvroDecodeError\`,
  \`UnknownSchemaError\`, \`ValueTooNewError\`. INGEST throws nothing: one record becomes one record, or is counted as ignored.
- **What it returns is right**: no record of a batch is shown that nobody wrote while the checksum is not repaired; offsets
  rise and stay inside their batch; what can be read from Avro can be written again.
- **Time**: at most ${CASE_LIMIT_MS} ms of CPU. A case that does not end is found by the thread that watches, and is a violation.
- **Memory**: at most ${ALLOCATION_BASE_BYTES / MIB} MiB plus ${ALLOCATION_PER_INPUT_BYTE} bytes per byte of input, for compressed batches also what a batch
  may unpack to: ${maxDecompressedBytes(0) / MIB} MiB, or 128 times its bytes up to ${maxDecompressedBytes(MIB) / MIB} MiB.

## Last full run

${date}, Node ${process.versions.node}, ${versions()}. Seed ${seed}: **${cases.toLocaleString('en')} cases in ${seconds} s, no violation, peak memory of the
process ${Math.round(peakBytes / MIB)} MiB**, ${threads} threads on ${availableParallelism()} cores beside other work.
The peak counts garbage that was not collected yet.${note === undefined ? '' : `\n\n${note}`}

| decoder | cases | values | typed errors | slowest, ms |
|---|---|---|---|---|
${rows.join('\n')}

"Slowest" is the least of up to six runs of the same case, in CPU time where it is above 2 ms: others shared the machine.

## What no checksum covers

The offset and the length of a batch stand before its checksum. A wrong length ends in a wrong checksum or in a batch that
never comes whole, which is an error. A wrong offset is found where it is impossible, not larger than the one before,
not what was asked for, or far beyond the end of the log. A higher offset that the log could have in that place is not found: the same holds for
Kafka's own consumers.

## Replaying a case

\`npm run fuzz -- --target 'NAME' --seed N --index N\` prints the bytes, what the decoder said and the verdict.
`
}

function versions(): string {
  const names = ['avsc', 'lz4-napi', 'snappy', '@node-rs/crc32']
  return names.map(name => `${name} ${versionOf(name)}`).join(', ')
}

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
