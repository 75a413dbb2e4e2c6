import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A TCP server that speaks no HTTP of its own: each test says what happens on the socket, and sees every byte. */
export interface RawServer {
  readonly url: string
  readonly port: number
  connections: number
  received: string
  close(): Promise<void>
}

export async function rawServer(onConnection: (socket: Socket, server: RawServer) => void): Promise<RawServer> {
  const sockets = new Set<Socket>()
  const listener = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('data', bytes => (server.received += bytes.toString('latin1')))
    server.connections++
    onConnection(socket, server)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const server: RawServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    connections: 0,
    received: '',
    async close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
  return server
}

/** Calls `answer` when a whole request with a body has arrived. */
export function onRequest(socket: Socket, answer: (request: string) => void): void {
  let text = ''
  socket.on('data', bytes => {
    text += bytes.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
    if (text.length < end + 4 + length) return
    const request = text
    text = ''
    answer(request)
  })
}

export function httpAnswer(status: number, body: unknown, headers = ''): string {
  const text = JSON.stringify(body)
  return `HTTP/1.1 ${status} x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n${headers}\r\n${text}`
}
