import { connect } from 'node:net'

/** What one broker says of its cluster. */
export interface ClusterView {
  readonly liveBrokers: number
  /** -1 while there is no controller. */
  readonly controllerId: number
}

const clientId = 'onfile-bed'

/** Metadata request, version 1, for no topic; with its length prefix. */
const metadataRequest = (): Buffer => {
  const body = Buffer.alloc(10 + clientId.length + 4)
  body.writeInt16BE(3, 0)
  body.writeInt16BE(1, 2)
  body.writeInt32BE(1, 4)
  body.writeInt16BE(clientId.length, 8)
  body.write(clientId, 10, 'ascii')
  body.writeInt32BE(0, 10 + clientId.length)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** The answer to `metadataRequest`, after its length prefix: correlation id, brokers, controller. */
const parseMetadata = (answer: Buffer): ClusterView => {
  const liveBrokers = answer.readInt32BE(4)
  let position = 8
  for (let index = 0; index < liveBrokers; index += 1) {
    position += 4
    position += 2 + answer.readInt16BE(position)
    position += 4
    position += 2 + Math.max(0, answer.readInt16BE(position))
  }
  return { liveBrokers, controllerId: answer.readInt32BE(position) }
}

/**
 * Asks the broker at `address` (`host:port`) for its cluster, over a connection of its own.
 *
 * @throws Error when it cannot be reached or does not answer within `timeoutMs`.
 */
export const probeCluster = (address: string, timeoutMs: number): Promise<ClusterView> =>
  new Promise((resolve, reject) => {
    const separator = address.lastIndexOf(':')
    const socket = connect({ host: address.slice(0, separator), port: Number(address.slice(separator + 1)) })
    let received = Buffer.alloc(0)
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(timeoutMs, () => fail(new Error(`${address} did not answer within ${timeoutMs} ms`)))
    socket.once('error', fail)
    socket.once('close', () => reject(new Error(`${address} closed the connection`)))
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return
      resolve(parseMetadata(received.subarray(4)))
      socket.destroy()
    })
  })
