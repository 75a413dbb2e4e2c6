import { once } from 'node:events'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RegistryHttp } from '../../../src/avro/registryHttp.ts'
import { SchemaRegistry } from '../../../src/avro/registry.ts'
import { tlsOf } from '../../../src/cli/liveTls.ts'
import { BrokerConnection } from '../../../src/kafka/connection.ts'
import { KnotApi } from '../../../src/knot/knotApi.ts'
import { SealedCard } from '../../../src/knot/sealedCard.ts'
import { CardVault } from '../../../src/vault/cardVault.ts'
import { CardDirectory } from '../../../src/vault/directory.ts'
import { cardWith } from '../knot/cards.ts'
import { selfSigned } from '../../support/selfSigned.ts'

const serverIdentity = selfSigned('server')
const client = selfSigned('onfile')
const stranger = selfSigned('stranger')

let server: Server
let port: number
/** Certificates that were shown, by fingerprint. */
let shown: string[]

beforeAll(async () => {
  const { cert, key } = serverIdentity
  server = createServer({ cert, key, ca: client.cert, requestCert: true, rejectUnauthorized: true })
  server.on('secureConnection', (socket: TLSSocket) => shown.push(socket.getPeerCertificate().fingerprint256))
  server.on('request', (request, answer) => {
    request.resume()
    const body = BODIES.find(([path]) => request.url?.endsWith(path))?.[1] ?? { schema: '"string"' }
    answer.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => server.close())
beforeEach(() => {
  shown = []
})

/** What the server answers, by the end of the path. */
const BODIES: readonly [path: string, body: object][] = [
  ['/status', { card_ref: 'card', version: '1', status: 'active' }],
  ['/owner', { user_id: 'ada' }],
  ['/card', { message: 'Success' }],
]

/** As `*.ssl` of the configuration, where a certificate may be missing. */
const tls = (own: { readonly cert: string; readonly key: string } | null, ca: string | null = serverIdentity.cert) =>
  tlsOf({ ca, cert: own?.cert ?? null, key: own?.key ?? null })
type Tls = ReturnType<typeof tls>
const url = () => `https://127.0.0.1:${port}`

function knotAt(api: string, secureUrl: string | null, tls: Tls): KnotApi {
  return new KnotApi({ url: api, secureUrl, clientId: 'client', secret: 's', timeoutMs: 5_000, connections: 1, tls })
}

/** Each asks once; true when it was answered. */
const askers: readonly [string, (tls: Tls) => Promise<boolean>][] = [
  [
    'the vault',
    async tls => {
      const vault = new CardVault({ url: url(), token: null, timeoutMs: 5_000, tls })
      const { kind } = await vault.status('card').finally(() => vault.close())
      return kind === 'status'
    },
  ],
  [
    'the directory',
    async tls => {
      const directory = new CardDirectory({ url: url(), token: null, timeoutMs: 5_000, tls })
      return directory
        .resolve(['card'])
        .then(
          () => directory.owner('card') === 'ada',
          () => false,
        )
        .finally(() => directory.close())
    },
  ],
  [
    "Knot's API",
    async tls => {
      const knot = knotAt(url(), null, tls)
      const { kind } = await knot.jwk().finally(() => knot.close())
      return kind === 'jwk'
    },
  ],
  [
    "Knot's secure host",
    async tls => {
      const knot = knotAt('https://127.0.0.1:9', url(), tls)
      const target = { userId: 'ada', merchantId: 19, taskId: null }
      const push = knot.pushCard(target, SealedCard.plain(cardWith()), () => true)
      const { kind } = await push.finally(() => knot.close())
      return kind === 'accepted'
    },
  ],
  [
    'the registry',
    async tls => {
      const registry = new RegistryHttp({ url: url(), auth: { kind: 'none' }, tls, attempts: 1 })
      return registry
        .send('GET', '/subjects')
        .then(
          ({ status }) => status === 200,
          () => false,
        )
        .finally(() => registry.close())
    },
  ],
  [
    'a schema by its id',
    async tls => {
      const registry = new SchemaRegistry({ url: url(), auth: { kind: 'none' }, tls, attempts: 1 })
      return registry
        .typeById(7)
        .then(
          () => true,
          () => false,
        )
        .finally(() => registry.close())
    },
  ],
  [
    'a broker',
    async ssl => {
      const options = { clientId: 'test', ssl, requestTimeoutMs: 5_000, connectionTimeoutMs: 5_000 }
      const connection = await BrokerConnection.open({ host: '127.0.0.1', port }, options).catch(() => null)
      if (connection === null) return false
      // TLS 1.3: who connects learns of a refusal only after the handshake, so the other side must have taken it.
      while (connection.isOpen && shown.length === 0) await new Promise(resolve => setTimeout(resolve, 10))
      const taken = connection.isOpen
      connection.close()
      return taken
    },
  ],
]

describe.each(askers)('mutual TLS with %s', (_name, ask) => {
  test('shows the configured certificate', async () => {
    expect(await ask(tls(client))).toBe(true)
    expect(shown).toContain(client.fingerprint256)
  })

  test.each([
    ['without a certificate', () => tls(null)],
    ['with one that the other side does not know', () => tls(stranger)],
    ['with an authority that did not sign the server', () => tls(client, stranger.cert)],
    ['with no authority of its own', () => tls(client, null)],
  ])('is refused %s', async (_how, settings) => {
    expect(await ask(settings())).toBe(false)
  })
})
