/**
 * Loaded into a product process (`NODE_OPTIONS=--import`): stops it (SIGSTOP) at its first request that carries a card. That
 * is after *started* has been committed and before anything of it leaves. The test lets it go on with SIGCONT.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticsChannel } from 'undici'

const CREATED = 'undici:request:create'

function stopAtCard(message: unknown): void {
  const { request } = message as DiagnosticsChannel.RequestCreateMessage
  if (request.method !== 'POST' || !request.path.endsWith('/card')) return
  unsubscribe(CREATED, stopAtCard)
  process.kill(process.pid, 'SIGSTOP')
}

subscribe(CREATED, stopAtCard)
