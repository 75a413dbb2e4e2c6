import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A port in front of another one. Closed, it refuses connections and cuts those that are open, as a dead host does. */
export interface TcpDoor {
  readonly port: number
  /** `url` with this port instead of its own. */
  url(url: string): string
  close(): Promise<void>
  open(): Promise<void>
}

export async function openDoor(targetPort: number): Promise<TcpDoor> {
  const sockets = new Set<Socket>()
  const admit = (socket: Socket): void => {
    const behind = connect(targetPort, '127.0.0.1')
    for (const [from, to] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  }
  const listen = async (port: number): Promise<Server> => {
    const server = createServer(admit).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  let server: Server | null = await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: url => Object.assign(new URL(url), { port: String(port) }).href.replace(/\/$/, ''),
    async close() {
      const closing = server
      server = null
      if (closing === null) return
      const closed = once(closing, 'close')
      closing.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
    async open() {
      server ??= await listen(port)
    },
  }
}
