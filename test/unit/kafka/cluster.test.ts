import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster.ts'
import {
  ConnectionLostError,
  KafkaError,
  ProtocolError,
  RequestTimedOutError,
  UnsupportedBrokerError,
} from '../../../src/kafka/errors.ts'
import { listOffset } from '../../../src/kafka/offsets.ts'
import { Writer } from '../../../src/kafka/wire.ts'
import { apiVersionsAnswer, FakeBroker, metadataAnswer, MODERN } from './fakeBroker.ts'
import type { SeenRequest } from './fakeBroker.ts'

const [LIST_OFFSETS, METADATA, FIND_COORDINATOR, API_VERSIONS] = [2, 3, 10, 18]
const clusters: Cluster[] = []

afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close()
})

async function connect(...brokers: string[]): Promise<Cluster> {
  const cluster = await Cluster.connect({ brokers, clientId: 'test', requestTimeoutMs: 400, connectionTimeoutMs: 400 })
  clusters.push(cluster)
  return cluster
}

/** A broker that answers what is needed to connect, and the rest by `handle`. */
function broker(handle: (request: SeenRequest, broker: FakeBroker) => void = () => undefined, versions = MODERN) {
  return FakeBroker.start((request, self) => {
    if (request.apiKey === API_VERSIONS) request.answer(apiVersionsAnswer(versions))
    else if (request.apiKey === METADATA && request.body.int32() === 0) request.answer(metadataAnswer(self.address))
    else handle(request, self)
  })
}

describe('connecting to a cluster', () => {
  it('names a broker that is too old, what is needed and what it has', async () => {
    await using old = await broker(undefined, { ...MODERN, 0: 8 })
    const failure = await connect(old.address).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UnsupportedBrokerError)
    expect((failure as Error).message).toBe(
      `Kafka broker ${old.address} is too old: Produce version 9 is needed and it speaks only version 8. Kafka 2.5 or later is required: the owner of the cluster must upgrade it.`,
    )
  })

  it('names a broker that does not even know how to say what it speaks', async () => {
    await using old = await FakeBroker.start(({ answer }) => answer(Buffer.from([0, 35, 0, 0, 0, 0])))
    await expect(connect(old.address)).rejects.toThrow(UnsupportedBrokerError)
  })

  it('goes on to the next broker where one is not reachable', async () => {
    await using up = await broker()
    const cluster = await connect('127.0.0.1:1', up.address)
    expect((await cluster.describe([])).nodes).toHaveLength(1)
  })

  it('fails with the address where none is reachable', async () => {
    await expect(connect('127.0.0.1:1')).rejects.toThrow(/Kafka broker 127\.0\.0\.1:1: cannot connect: .*ECONNREFUSED/)
  })

  it.each(['localhost', ':9092', 'host:0', 'host:port', 'host:70000'])('refuses the address %s', async address => {
    await expect(connect(address)).rejects.toThrow('is no host:port')
  })

  it('ends with a typed error at a server that speaks something else', async () => {
    const server = createServer(socket => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await expect(connect(`127.0.0.1:${port}`)).rejects.toThrow(ProtocolError)
    server.close()
  })

  it.each([
    ['a negative length', Buffer.from([0x80, 0, 0, 0, 1, 2, 3, 4])],
    ['a length too short for a correlation id', Buffer.from([0, 0, 0, 1, 9])],
  ])('ends with a typed error at an answer of %s', async (_what, bytes) => {
    await using lying = await FakeBroker.start(({ socket }) => socket.write(bytes))
    await expect(connect(lying.address)).rejects.toThrow(ProtocolError)
  })

  it('ends with a typed error at an answer that is cut', async () => {
    await using lying = await FakeBroker.start(({ answer }) => answer(apiVersionsAnswer(MODERN).subarray(0, 20)))
    await expect(connect(lying.address)).rejects.toThrow(ProtocolError)
  })
})

describe('a request', () => {
  it('that is not answered in time fails, and the connection with it', async () => {
    let listOffsets = 0
    await using silent = await broker(({ apiKey, answer }, self) => {
      if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 't', leaders: [1] }]))
      else if (++listOffsets === 2) answer(listOffsetsAnswer(7))
    })
    const cluster = await connect(silent.address)
    const first = cluster.call(1, 'admin', slowRequest()).catch((error: unknown) => error)
    expect(await first).toBeInstanceOf(RequestTimedOutError)
    // The same question on a new connection.
    const versionsAsked = silent.seen.filter(key => key === API_VERSIONS).length
    expect(await listOffset(cluster, 't', 0, 'latest')).toBe(7)
    expect(silent.seen.filter(key => key === API_VERSIONS).length).toBe(versionsAsked + 1)
  })

  it('fails when the broker closes the connection, and the next one connects again', async () => {
    let cuts = 0
    await using cutting = await broker(({ apiKey, answer, socket }, self) => {
      if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 't', leaders: [1] }]))
      else if (cuts++ === 0) socket.destroy()
      else answer(listOffsetsAnswer(5))
    })
    const cluster = await connect(cutting.address)
    await expect(cluster.call(1, 'admin', slowRequest())).rejects.toThrow(ConnectionLostError)
    expect(await listOffset(cluster, 't', 0, 'latest')).toBe(5)
  })

  it('in a version that the broker does not speak is not sent', async () => {
    await using partial = await broker(undefined, { ...MODERN, 2: 2 })
    const cluster = await connect(partial.address)
    await expect(cluster.call(1, 'admin', slowRequest())).rejects.toThrow(
      `Kafka broker ${partial.address}: ListOffsets is needed in version 3, but it speaks 0 to 2`,
    )
    expect(partial.seen).not.toContain(LIST_OFFSETS)
  })

  it('under way is rejected when the cluster is closed, and none is taken after', async () => {
    await using silent = await broker()
    const cluster = await connect(silent.address)
    const pending = cluster.call(1, 'admin', slowRequest()).catch((error: unknown) => error)
    await new Promise(resolve => setTimeout(resolve, 50))
    await cluster.close()
    expect(await pending).toBeInstanceOf(ConnectionLostError)
    await expect(cluster.describe([])).rejects.toThrow(ConnectionLostError)
  })

  it('waits for none on another lane', async () => {
    await using slow = await broker(({ apiKey, answer }) => {
      if (apiKey === FIND_COORDINATOR)
        answer(new Writer().int32(0).int16(15).string(null).int32(-1).string('').int32(-1).finish())
    })
    const cluster = await connect(slow.address)
    const blocked = cluster.call(1, 'transactions', slowRequest()).catch((error: unknown) => error)
    await expect(cluster.coordinator('group', 'g')).rejects.toThrow('COORDINATOR_NOT_AVAILABLE')
    expect(await blocked).toBeInstanceOf(RequestTimedOutError)
  })
})

describe('topics and leaders', () => {
  it('are looked up in one request for all that are asked for at once, each with its own error', async () => {
    let asked = 0
    await using fake = await broker(({ apiKey, answer }, self) => {
      if (apiKey !== METADATA) return
      asked++
      answer(
        metadataAnswer(self.address, [
          { name: 'there', leaders: [1, -1] },
          { name: 'gone', errorCode: 3, leaders: [] },
        ]),
      )
    })
    const cluster = await connect(fake.address)
    const outcomes = await Promise.allSettled([
      cluster.leaderOf('there', 0),
      cluster.leaderOf('there', 1),
      cluster.leaderOf('there', 2),
      cluster.leaderOf('gone', 0),
    ])
    expect(asked).toBe(1)
    const codes = outcomes.map(outcome =>
      outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as KafkaError).code,
    )
    expect(codes).toEqual([
      1,
      'KAFKA_LEADER_NOT_AVAILABLE',
      'KAFKA_UNKNOWN_TOPIC_OR_PARTITION',
      'KAFKA_UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect(await cluster.topics(['there', 'gone'])).toEqual(
      new Map([
        ['there', 2],
        ['gone', null],
      ]),
    )
    await expect(cluster.partitionCount('gone')).rejects.toThrow(KafkaError)
  })

  it('that this client may not see are an error, not an absence', async () => {
    await using fake = await broker(({ apiKey, answer }, self) => {
      if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 'secret', errorCode: 29, leaders: [] }]))
    })
    const cluster = await connect(fake.address)
    await expect(cluster.topics(['secret'])).rejects.toThrow('must grant')
  })

  it('are followed when a leader moves, and waited for only as long as the caller wants', async () => {
    let refused = 3
    await using fake = await broker(({ apiKey, answer }, self) => {
      if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 't', leaders: [1] }]))
      else answer(refused-- > 0 ? listOffsetsAnswer(-1, 6) : listOffsetsAnswer(3))
    })
    const cluster = await connect(fake.address)
    expect(await listOffset(cluster, 't', 0, 'latest')).toBe(3)
    refused = Number.POSITIVE_INFINITY
    await expect(listOffset(cluster, 't', 0, 'latest', AbortSignal.timeout(150))).rejects.toThrow('timeout')
  })
})

function slowRequest() {
  return {
    api: { key: LIST_OFFSETS, name: 'ListOffsets', minVersion: 3, maxVersion: 3, flexibleFrom: 6 },
    encode: () => [Buffer.alloc(9)],
    decode: () => null,
  }
}

function listOffsetsAnswer(offset: number, errorCode = 0): Buffer {
  const body = new Writer().int32(0).int32(1).string('t').int32(1).int32(0).int16(errorCode)
  return body.int64(-1).int64(offset).finish()
}
