import type { Server } from 'node:http'

export interface PeerLimits {
  /** Connections of all addresses together. */
  readonly connections: number
  /** Connections of one address. */
  readonly ofOneAddress: number
}

/**
 * Cuts a connection that is one too many, at once. Whoever opens them by the hundred has no way to take the places of
 * others, the kubelet's probes among them. Node's own `maxConnections` would count those that are being cut, and turn
 * away whoever comes in the same moment.
 */
export function limitPeers(server: Server, limits: PeerLimits): void {
  const open = new Map<string, number>()
  let total = 0
  server.on('connection', socket => {
    const address = socket.remoteAddress
    // It has gone before anybody looked.
    if (address === undefined) return
    const count = open.get(address) ?? 0
    if (count >= limits.ofOneAddress || total >= limits.connections) {
      socket.destroy()
      return
    }
    open.set(address, count + 1)
    total++
    socket.once('close', () => {
      const left = open.get(address)! - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
      total--
    })
  })
}
