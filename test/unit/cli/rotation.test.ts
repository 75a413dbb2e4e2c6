import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { directoryOf, knotOf, registryOf, vaultOf } from '../../../src/cli/connections.ts'
import type { Config } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { selfSigned } from '../../support/selfSigned.ts'

/** One server stands for vault, directory, registry and Knot: it demands a certificate and notes what it was shown. */
const serverIdentity = selfSigned('server')
const [first, second] = [selfSigned('onfile'), selfSigned('onfile-new')]
let server: Server
let directory: string
let shown: { certificate: string; authorization: string } | null

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-rotation-'))
  const { cert, key } = serverIdentity
  server = createServer({ cert, key, ca: [first.cert, second.cert], requestCert: true, rejectUnauthorized: true })
  server.on('request', (request, answer) => {
    const certificate = request.socket instanceof TLSSocket ? request.socket.getPeerCertificate().fingerprint256 : ''
    shown = { certificate, authorization: request.headers.authorization ?? '' }
    // Each request on a connection of its own: that is where a new certificate counts.
    answer
      .setHeader('connection', 'close')
      .setHeader('content-type', 'application/json')
      .end('{"schema":"\\"string\\""}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => {
  server.close()
  rmSync(directory, { recursive: true })
})
beforeEach(() => {
  shown = null
  rotate(first, 'first')
})

function file(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

function rotate(own: { readonly cert: string; readonly key: string }, secret: string): void {
  file('cert.pem', own.cert)
  file('key.pem', own.key)
  file('secret', `${secret}\n`)
}

function settings(system: string, secretName: string): Config {
  const prefix = `ONFILE_${system}`
  const environment = {
    [`${prefix}_URL`]: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [`${prefix}_SSL_CA_FILE`]: file('ca.pem', serverIdentity.cert),
    [`${prefix}_SSL_CERT_FILE`]: join(directory, 'cert.pem'),
    [`${prefix}_SSL_KEY_FILE`]: join(directory, 'key.pem'),
    [`${prefix}_${secretName}_FILE`]: join(directory, 'secret'),
    ...(system === 'KNOT' ? { ONFILE_KNOT_CLIENT_ID: 'id' } : {}),
    ...(secretName === 'AUTH_PASSWORD' ? { ONFILE_REGISTRY_AUTH_USERNAME: 'user' } : {}),
  }
  return loadConfig({ file: file('none.yaml', ''), environment }, 'print')
}

const basic = (who: string) => (secret: string) => `Basic ${Buffer.from(`${who}:${secret}`).toString('base64')}`
const bearer = (secret: string) => `Bearer ${secret}`

/** Each gives a call that asks once, whatever the answer is, and one that ends the client. */
const clients: readonly [string, string, string, (secret: string) => string, (config: Config) => Asker][] = [
  ['the vault', 'VAULT', 'TOKEN', bearer, config => asker(vaultOf(config), vault => vault.status('card'))],
  [
    'the directory, which is the vault',
    'VAULT',
    'TOKEN',
    bearer,
    config => asker(directoryOf(config), it => it.resolve(['card'])),
  ],
  ['the directory', 'DIRECTORY', 'TOKEN', bearer, config => asker(directoryOf(config), it => it.resolve(['card']))],
  ['Knot', 'KNOT', 'SECRET', basic('id'), config => asker(knotOf(config), knot => knot.jwk())],
  [
    'the registry',
    'REGISTRY',
    'AUTH_TOKEN',
    bearer,
    config => asker(registryOf(config), registry => registry.latestId('subject')),
  ],
  [
    'a schema by its id',
    'REGISTRY',
    'AUTH_PASSWORD',
    basic('user'),
    config => {
      let id = 0
      return asker(registryOf(config), registry => registry.typeById(++id))
    },
  ],
]

interface Asker {
  ask(): Promise<void>
  close(): Promise<void>
}

function asker<T extends { close(): Promise<void> }>(client: T, ask: (client: T) => Promise<unknown>): Asker {
  return {
    ask: async () => {
      shown = null
      await ask(client).catch(() => undefined)
    },
    close: () => client.close(),
  }
}

describe.each(clients)('secrets in files: %s', (_name, system, secretName, authorization, clientOf) => {
  test('is shown what the files hold now, without a restart', async () => {
    const client = clientOf(settings(system, secretName))
    const seen = async () => {
      await client.ask()
      return shown
    }
    expect(await seen()).toEqual({ certificate: first.fingerprint256, authorization: authorization('first') })
    // Half of a pair, and a secret that is being written: what was read before goes on.
    file('cert.pem', second.cert)
    file('secret', '')
    await new Promise(resolve => setTimeout(resolve, 1_100))
    expect(await seen()).toEqual({ certificate: first.fingerprint256, authorization: authorization('first') })
    rotate(second, 'second')
    await expect
      .poll(seen, { timeout: 10_000 })
      .toEqual({ certificate: second.fingerprint256, authorization: authorization('second') })
    await client.close()
  })
})
