import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RegistryHttp } from '../../../src/avro/registryHttp.ts'
import { KnotApi } from '../../../src/knot/knotApi.ts'
import { CardVault } from '../../../src/vault/cardVault.ts'
import { CardDirectory } from '../../../src/vault/directory.ts'
import { httpAnswer, onRequest, rawServer } from './rawServer.ts'
import type { RawServer } from './rawServer.ts'

let elsewhere: RawServer
let server: RawServer
let status: number
const clients: { close(): Promise<unknown> }[] = []
beforeEach(async () => {
  elsewhere = await rawServer(socket => onRequest(socket, () => socket.write(httpAnswer(200, {}))))
  const redirect = (socket: Socket, request: string): void => {
    const path = request.split(' ')[1] ?? '/'
    socket.write(httpAnswer(status, {}, `location: ${elsewhere.url}${path}\r\n`))
  }
  server = await rawServer(socket => onRequest(socket, request => redirect(socket, request)))
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close()))
  await Promise.all([server.close(), elsewhere.close()])
})

function opened<Client extends { close(): Promise<unknown> }>(client: Client): Client {
  clients.push(client)
  return client
}

const knot = (): KnotApi =>
  opened(
    new KnotApi({
      url: server.url,
      secureUrl: null,
      clientId: 'client',
      secret: 'knot-secret',
      timeoutMs: 5_000,
      connections: 1,
    }),
  )
const vault = (): CardVault => opened(new CardVault({ url: server.url, token: 'vault-token', timeoutMs: 5_000 }))

async function owner(): Promise<{ kind: string }> {
  const directory = opened(new CardDirectory({ url: server.url, token: 'directory-token', timeoutMs: 5_000 }))
  return directory.resolve(['card-a']).then(
    () => ({ kind: `owner ${directory.owner('card-a')}` }),
    (error: unknown) => ({ kind: (error as { code: string }).code }),
  )
}

async function schema(): Promise<{ kind: string }> {
  const auth = { kind: 'bearer', token: 'registry-token' } as const
  const registry = opened(new RegistryHttp({ url: server.url, auth, timeoutMs: 5_000, attempts: 1 }))
  return registry.send('GET', '/schemas/ids/1').then(answer => ({ kind: String(answer.status) }))
}

const READS: readonly [
  what: string,
  ask: () => Promise<{ readonly kind: string }>,
  answer: (code: number) => string,
][] = [
  ["Knot's accounts", () => knot().accounts('ada'), () => 'unavailable'],
  ["Knot's key", () => knot().jwk(), () => 'unavailable'],
  ['a card of the vault', () => vault().card('card-a'), () => 'unavailable'],
  ['a status of the vault', () => vault().status('card-a'), () => 'unavailable'],
  ['an owner of the directory', owner, () => 'directory_unavailable'],
  ['a schema of the registry', schema, code => String(code)],
]

describe('a redirect of what is only read is not followed: its target sees neither the question nor the secret', () => {
  it.each(READS.flatMap(([what, ask, answer]) => [301, 302, 307, 308].map(code => ({ what, code, ask, answer }))))(
    '$what, $code',
    async ({ code, ask, answer }) => {
      status = code
      expect((await ask()).kind).toBe(answer(code))
      expect(server.connections).toBe(1)
      expect([elsewhere.connections, elsewhere.received]).toEqual([0, ''])
    },
  )
})
