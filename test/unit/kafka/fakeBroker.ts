import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { Reader, Writer } from '../../../src/kafka/wire.ts'

/** Number of the tagged field in an answer to ApiVersions. */
const FINALIZED_FEATURES = 2

/** One request as the broker sees it; the reader stands behind the request header. */
export interface SeenRequest {
  readonly apiKey: number
  readonly version: number
  readonly socket: Socket
  readonly body: Reader
  /** Sends an answer: its body after the correlation id. */
  readonly answer: (body: Buffer) => void
}

/** A TCP server that frames Kafka requests: for answers that no real broker gives. */
export class FakeBroker implements AsyncDisposable {
  readonly address: string
  readonly seen: number[] = []
  private readonly sockets: Set<Socket>
  private readonly stop: () => void

  private constructor(address: string, sockets: Set<Socket>, stop: () => void) {
    this.address = address
    this.sockets = sockets
    this.stop = stop
  }

  static async start(handle: (request: SeenRequest, broker: FakeBroker) => void): Promise<FakeBroker> {
    const sockets = new Set<Socket>()
    const server = createServer(socket => {
      sockets.add(socket)
      let received = Buffer.alloc(0)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
      socket.on('data', chunk => {
        received = Buffer.concat([received, chunk])
        while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
          const frame = received.subarray(4, 4 + received.readInt32BE(0))
          received = received.subarray(4 + frame.length)
          const body = new Reader(frame)
          const apiKey = body.int16()
          const version = body.int16()
          const correlationId = body.int32()
          body.nullableString()
          broker.seen.push(apiKey)
          const answer = (bytes: Buffer): void => {
            const head = Buffer.alloc(8)
            head.writeInt32BE(4 + bytes.length, 0)
            head.writeInt32BE(correlationId, 4)
            socket.write(Buffer.concat([head, bytes]))
          }
          handle({ apiKey, version, socket, body, answer }, broker)
        }
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const broker: FakeBroker = new FakeBroker(`127.0.0.1:${port}`, sockets, () => server.close())
    return broker
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.stop()
    return Promise.resolve()
  }
}

/** ApiVersions 3 with these maximum versions by api key; `transactionVersion` 0: the cluster has finalized none. */
export function apiVersionsAnswer(maxVersions: Readonly<Record<number, number>>, transactionVersion = 0): Buffer {
  const body = new Writer().int16(0)
  body.compactArray(Object.entries(maxVersions), ([key, max]) => {
    body.int16(Number(key)).int16(0).int16(max).emptyTags()
  })
  body.int32(0)
  if (transactionVersion === 0) return body.emptyTags().finish()
  const features = new Writer()
  features.compactArray(['transaction.version'], feature => {
    features.compactString(feature).int16(transactionVersion).int16(transactionVersion).emptyTags()
  })
  const bytes = features.finish()
  return body.unsignedVarint(1).unsignedVarint(FINALIZED_FEATURES).unsignedVarint(bytes.length).raw(bytes).finish()
}

/** What a Kafka 3.7 says of the requests that are used here. */
export const MODERN: Readonly<Record<number, number>> = {
  0: 10,
  1: 16,
  2: 8,
  3: 12,
  9: 9,
  10: 4,
  11: 9,
  12: 4,
  13: 5,
  14: 5,
  18: 3,
  22: 4,
  24: 4,
  25: 3,
  26: 3,
  28: 3,
}

/** Metadata 7: one node at `address`, and topics as (error, leaders). */
export function metadataAnswer(
  address: string,
  topics: readonly { readonly name: string; readonly errorCode?: number; readonly leaders: readonly number[] }[] = [],
): Buffer {
  const at = address.lastIndexOf(':')
  const body = new Writer()
    .int32(0)
    .int32(1)
    .int32(1)
    .string(address.slice(0, at))
    .int32(Number(address.slice(at + 1)))
  body.string(null).string('cluster').int32(1)
  body.array(topics, ({ name, errorCode = 0, leaders }) => {
    body.int16(errorCode).string(name).boolean(false)
    body.array([...leaders.entries()], ([partition, leader]) => {
      body.int16(0).int32(partition).int32(leader).int32(0)
      for (let list = 0; list < 3; list++) body.int32(0)
    })
  })
  return body.finish()
}
