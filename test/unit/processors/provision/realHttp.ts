import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import type { CryptoKey } from 'jose'
import { CardUpdater } from '../../../../src/knot/cardUpdater.ts'
import { KnotApi } from '../../../../src/knot/knotApi.ts'
import { CardVault } from '../../../../src/vault/cardVault.ts'
import { HOLDER, NUMBERS } from '../../knot/cards.ts'

export const KNOT_SECRET = 'canary-knot-secret'
export const VAULT_TOKEN = 'canary-vault-token'

export interface HttpAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

/** `reset` breaks the connection after the request has arrived. */
export type Behaviour = HttpAnswer | 'reset'

export interface RealHttp {
  readonly updater: CardUpdater
  readonly vault: CardVault
  readonly privateKey: CryptoKey
  /** Bodies of `POST /card`. */
  readonly pushes: { jwe?: string; [field: string]: unknown }[]
  /** What the next pushes get; then Success. */
  readonly answers: Behaviour[]
  vaultAnswer: HttpAnswer
  close(): Promise<void>
}

/** Knot and a vault as real HTTP servers on this machine, with the real clients in front of them. */
export async function realHttp(form: 'jwe' | 'plain' = 'jwe'): Promise<RealHttp> {
  const { publicKey, privateKey } = await generateKeyPair('RSA-OAEP-256', { modulusLength: 2048, extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg: 'RSA-OAEP-256', use: 'enc', kid: 'kid-1' }

  const knot = await serve((request, text) => {
    if (request.url?.startsWith('/accounts/get')) {
      const connection = { status: 'connected', scopes: [{ type: 'update_card' }] }
      return { status: 200, body: [{ merchant: { id: 19, name: 'DoorDash' }, connection }] }
    }
    if (request.url === '/jwe/key') return { status: 200, body: jwk }
    real.pushes.push(JSON.parse(text) as { jwe?: string })
    return real.answers.shift() ?? { status: 200, body: { message: 'Success' } }
  })
  const store = await serve(request => {
    const { body, ...rest } = real.vaultAnswer
    const cardRef = decodeURIComponent(request.url!.split('/')[2]!)
    return { ...rest, body: typeof body === 'object' ? { card_ref: cardRef, ...body } : body }
  })
  const api = new KnotApi({
    url: knot.url,
    secureUrl: knot.url,
    clientId: 'client',
    secret: KNOT_SECRET,
    timeoutMs: 1_000,
    connections: 8,
  })
  const real: RealHttp = {
    updater: new CardUpdater(api, form),
    vault: new CardVault({ url: store.url, token: VAULT_TOKEN, timeoutMs: 1_000 }),
    privateKey,
    pushes: [],
    answers: [],
    vaultAnswer: { status: 200, body: { version: 'v1', status: 'active', user: HOLDER, card: NUMBERS } },
    async close() {
      await Promise.all([real.updater.close(), real.vault.close(), knot.close(), store.close()])
    },
  }
  return real
}

async function serve(handle: (request: IncomingMessage, text: string) => Behaviour) {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = handle(request, Buffer.concat(chunks).toString('utf8'))
      if (answer === 'reset') {
        request.socket.resetAndDestroy()
        return
      }
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
