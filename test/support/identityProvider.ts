import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An identity provider as far as Kafka and its clients need one: a token endpoint and the key that proves its tokens. */
export interface IdentityProvider {
  /** For the client credentials grant. */
  readonly tokenUrl: string
  /** JSON Web Key Set with the public key. */
  readonly jwks: string
  readonly issuer: string
  readonly audience: string
  /** What a client may send; others get 401. */
  readonly secrets: Set<string>
  /** Life of the next tokens. */
  lifeSeconds: number
  /** The next tokens ended so long ago. */
  endedSeconds: number
  /** False: it answers 503. */
  isUp: boolean
  /** Tokens given so far. */
  readonly given: () => number
  stop(): Promise<void>
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const KEY_ID = 'k1'

/** Tokens are for `subject`, signed with RS256. */
export async function startIdentityProvider(subject: string): Promise<IdentityProvider> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' }
  let given = 0
  const server = createServer((request, response) => {
    const basic = Buffer.from(request.headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
    const secret = decodeURIComponent(basic.slice(basic.indexOf(':') + 1))
    if (!provider.isUp) response.writeHead(503).end()
    else if (!provider.secrets.has(secret)) response.writeHead(401).end('{"error":"invalid_client"}')
    else response.writeHead(200).end(JSON.stringify({ access_token: token(), expires_in: provider.lifeSeconds }))
  })
  function token(): string {
    given++
    const nowS = Math.floor(Date.now() / 1_000) - provider.endedSeconds
    const { issuer, audience, lifeSeconds } = provider
    const claims = { sub: subject, iss: issuer, aud: audience, iat: nowS - 1, exp: nowS + lifeSeconds }
    const signed = `${base64({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' })}.${base64(claims)}`
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const provider: IdentityProvider = {
    tokenUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    jwks: JSON.stringify({ keys: [jwk] }),
    issuer: 'test-issuer',
    audience: 'test-kafka',
    secrets: new Set(['first secret']),
    lifeSeconds: 300,
    endedSeconds: 0,
    isUp: true,
    given: () => given,
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return provider
}
