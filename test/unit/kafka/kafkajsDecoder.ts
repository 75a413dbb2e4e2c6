import { createRequire } from 'node:module'

/** A record as kafkajs's own decoder gives it. */
export interface KafkajsRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly producerEpoch: number; readonly firstSequence: number }
}

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown
const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (
  decoder: unknown,
) => Promise<KafkajsRecord[]>
const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number

/** Decodes batches with kafkajs: an implementation that shares nothing with ours. */
export function decodeWithKafkajs(batches: Buffer): Promise<KafkajsRecord[]> {
  const length = Buffer.alloc(4)
  length.writeInt32BE(batches.length)
  return decodeMessages(new Decoder(Buffer.concat([length, batches])))
}

export function kafkajsCrc32c(bytes: Buffer): number {
  return crc32C(bytes) >>> 0
}
