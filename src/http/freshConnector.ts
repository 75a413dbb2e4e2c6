import { buildConnector } from 'undici'
import { current } from './live.ts'
import type { Live } from './live.ts'

/** Client certificate and authorities, PEM. */
export interface ClientTls {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly passphrase?: string
}

/**
 * Opens connections for undici with the certificates of now: one that was renewed is shown by the next connection, and
 * those that stand go on. `tls` must give the same object while nothing changed: TLS sessions are resumed by it. HTTP/1.1
 * only. `timeoutMs` is for TCP and TLS together.
 */
export function freshConnector(tls: Live<ClientTls>, timeoutMs: number): buildConnector.connector {
  let made: { readonly tls: ClientTls; readonly connect: buildConnector.connector } | null = null
  return (options, callback) => {
    try {
      const wanted = current(tls)
      if (made?.tls !== wanted) {
        made = { tls: wanted, connect: buildConnector({ ...wanted, timeout: timeoutMs, allowH2: false }) }
      }
      made.connect(options, callback)
    } catch (error) {
      // Node refuses certificates that it cannot read by throwing.
      callback(error instanceof Error ? error : new Error(String(error)), null)
    }
  }
}
