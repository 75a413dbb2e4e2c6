import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { Cluster } from '../../src/kafka/cluster.ts'
import { Reader, Writer } from '../../src/kafka/wire.ts'
import { API } from './kafkaApis.ts'
import type { ApiName } from './kafkaApis.ts'
import { refusalOf, writeErrors } from './kafkaErrors.ts'

export { API } from './kafkaApis.ts'
export type { ApiName } from './kafkaApis.ts'

/**
 * What happens to a frame. `request`: the broker never gets it. `response`: the broker has acted, the client never hears
 * of it. `cut` ends the connection with it, `swallow` leaves it open (the client's timeout has to notice), `half` sends
 * the first half of the frame and ends the connection, `delay` hands it on after `delayMs` (a request even when the client
 * has given up by then), `hold` likewise when `heal` is called, `error` puts `errorCode` into the answer, `refuse` answers a request with it in the broker's place (the
 * requests of a transaction only; `damage` writes into that answer), `damage` lets `damage` write into the answer of the broker.
 */
export interface Fault {
  readonly api: ApiName
  readonly on: 'request' | 'response'
  readonly action: 'cut' | 'swallow' | 'half' | 'delay' | 'hold' | 'error' | 'refuse' | 'damage'
  readonly delayMs?: number
  readonly errorCode?: number
  /** With `error`: the code for all that was asked, not those of its parts (Fetch, OffsetFetch). */
  readonly whole?: boolean
  /** Gets the whole frame of an answer: length, correlation id, body. */
  readonly damage?: (answer: Buffer) => void
  /** Default 1. */
  readonly probability?: number
  /** How often it may happen; default always. */
  readonly times?: number
  /** Only requests of which this is true: the bytes begin with the api key. */
  readonly matches?: (request: Buffer) => boolean
}

interface ActiveFault {
  readonly fault: Fault
  left: number
}

interface PendingRequest {
  readonly apiKey: number
  readonly version: number
  readonly request: Buffer
}

/**
 * A proxy in front of a whole cluster that loses chosen requests or answers, frame by frame. It puts its own addresses
 * into Metadata and FindCoordinator answers (in their versions without tagged fields, which kafkajs and this project's
 * client use), so that a program which is given `brokers` never meets the real ones. One listener per broker; the
 * brokers are those of the cluster at the start.
 */
export class KafkaProxy {
  /** `host:port`, comma separated: give this to the program under test. */
  readonly brokers: string
  /** Faults that happened, as `EndTxn response`. */
  readonly hits: string[] = []
  /** Called with each request that comes, faults or not; the bytes begin with the api key. */
  onRequest: ((request: Buffer) => void) | null = null
  private readonly servers: readonly Server[]
  private readonly ports: ReadonlyMap<string, number>
  private readonly sockets = new Set<Socket>()
  private faults: ActiveFault[] = []
  private held: (() => void)[] = []
  private paused = false

  private constructor(servers: readonly Server[], targets: readonly string[]) {
    this.servers = servers
    const ports = servers.map(server => (server.address() as AddressInfo).port)
    this.ports = new Map(targets.map((target, index) => [target, ports[index]!]))
    this.brokers = ports.map(port => `127.0.0.1:${port}`).join(',')
  }

  static async start(brokers: string): Promise<KafkaProxy> {
    const cluster = await Cluster.connect({ brokers: brokers.split(','), clientId: 'proxy' })
    const { nodes } = await cluster.describe([])
    await cluster.close()
    const targets = nodes.map(({ host, port }) => `${host}:${port}`)
    const servers = targets.map(() => createServer())
    await Promise.all(servers.map(server => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))))
    const proxy = new KafkaProxy(servers, targets)
    for (const [index, server] of servers.entries()) {
      server.on('connection', client => proxy.relay(client, targets[index]!))
    }
    return proxy
  }

  /** Adds a fault to those that are in force. */
  lose(fault: Fault): void {
    this.faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
  }

  /** From now on everything passes, and what was held back goes on its way. */
  heal(): void {
    this.faults = []
    this.paused = false
    for (const handOn of this.held.splice(0)) handOn()
  }

  /** Cuts all connections and refuses new ones until `heal`. */
  partition(): void {
    this.paused = true
    for (const socket of this.sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await Promise.all(this.servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  private relay(client: Socket, target: string): void {
    if (this.paused) return void client.destroy()
    const at = target.lastIndexOf(':')
    const broker = connect({ host: target.slice(0, at), port: Number(target.slice(at + 1)) })
    const pending = new Map<number, PendingRequest>()
    let delayed = 0
    const cut = () => {
      client.destroy()
      if (delayed === 0) broker.destroy()
    }
    /** What hands the frame on, at whatever time that is. */
    const keep = (to: Socket, frame: Buffer) => {
      delayed++
      return () => {
        delayed--
        to.write(frame)
        if (client.destroyed && delayed === 0) broker.end()
      }
    }
    for (const socket of [client, broker]) {
      this.sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        this.sockets.delete(socket)
        cut()
      })
    }
    onFrame(client, frame => {
      const request = { apiKey: frame.readInt16BE(4), version: frame.readInt16BE(6), request: frame.subarray(4) }
      this.onRequest?.(request.request)
      const fault = this.hit('request', request)
      if (fault?.action === 'cut') return cut()
      if (fault?.action === 'swallow') return
      if (fault?.action === 'half') return void broker.write(frame.subarray(0, frame.length >> 1), cut)
      if (fault?.action === 'refuse') {
        const answer = withLength(refusalOf(fault.api, request.request, fault.errorCode ?? 0))
        fault.damage?.(answer)
        return void client.write(answer)
      }
      pending.set(frame.readInt32BE(8), request)
      if (fault?.action === 'delay') return void setTimeout(keep(broker, frame), fault.delayMs)
      if (fault?.action === 'hold') return void this.held.push(keep(broker, frame))
      broker.write(frame)
    })
    onFrame(broker, frame => {
      const correlationId = frame.readInt32BE(4)
      const request = pending.get(correlationId)
      pending.delete(correlationId)
      if (request === undefined) return void client.write(frame)
      const fault = this.hit('response', request)
      const answer = this.rewrite(frame, request)
      if (fault?.action === 'cut') return cut()
      if (fault?.action === 'swallow') return
      if (fault?.action === 'half') return void client.write(answer.subarray(0, answer.length >> 1), cut)
      if (fault?.action === 'delay') return void setTimeout(keep(client, answer), fault.delayMs)
      if (fault?.action === 'hold') return void this.held.push(keep(client, answer))
      if (fault?.action === 'error') writeErrors(fault.api, answer, fault.errorCode ?? 0, fault.whole)
      if (fault?.action === 'damage') fault.damage?.(answer)
      client.write(answer)
    })
  }

  private hit(on: Fault['on'], { apiKey, request }: PendingRequest): Fault | null {
    for (const active of this.faults) {
      const { fault } = active
      if (API[fault.api] !== apiKey || fault.on !== on || active.left <= 0) continue
      if (fault.matches?.(request) === false || Math.random() >= (fault.probability ?? 1)) continue
      active.left--
      this.hits.push(`${fault.api} ${on}`)
      return fault
    }
    return null
  }

  private rewrite(frame: Buffer, { apiKey, version }: PendingRequest): Buffer {
    if (apiKey === API.Metadata) return this.rewriteMetadata(frame, version)
    if (apiKey === API.FindCoordinator) return this.rewriteCoordinator(frame, version)
    return frame
  }

  private rewriteMetadata(frame: Buffer, version: number): Buffer {
    if (version < 3 || version > 8) throw new Error(`the proxy does not know Metadata ${version}`)
    const reader = new Reader(frame, 8)
    const body = new Writer().int32(0).raw(frame.subarray(4, 8)).int32(reader.int32())
    const nodes = reader.array(() => ({
      nodeId: reader.int32(),
      host: reader.string(),
      port: reader.int32(),
      rack: reader.nullableString(),
    }))
    body.array(nodes, ({ nodeId, host, port, rack }) => {
      body.int32(nodeId)
      this.writeAddress(body, host, port)
      body.string(rack)
    })
    return withLength(body.raw(frame.subarray(frame.length - reader.remaining)))
  }

  private rewriteCoordinator(frame: Buffer, version: number): Buffer {
    if (version < 1 || version > 2) throw new Error(`the proxy does not know FindCoordinator ${version}`)
    const reader = new Reader(frame, 8)
    const body = new Writer().int32(0).raw(frame.subarray(4, 8)).int32(reader.int32())
    body.int16(reader.int16()).string(reader.nullableString()).int32(reader.int32())
    this.writeAddress(body, reader.string(), reader.int32())
    return withLength(body)
  }

  private writeAddress(body: Writer, host: string, port: number): void {
    const own = this.ports.get(`${host}:${port}`)
    if (own === undefined) body.string(host).int32(port)
    else body.string('127.0.0.1').int32(own)
  }
}

function withLength(body: Writer): Buffer {
  const frame = body.finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/** Calls back with each whole frame, length prefix included. */
function onFrame(socket: Socket, handle: (frame: Buffer) => void): void {
  let received = Buffer.alloc(0)
  socket.on('data', chunk => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const frame = received.subarray(0, 4 + received.readInt32BE(0))
      received = received.subarray(frame.length)
      handle(frame)
    }
  })
}
