import { request } from 'undici'
import { required } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import type { ClusterOptions } from '../kafka/cluster.ts'
import { tlsOf } from './connections.ts'

/** The token endpoint of OAUTHBEARER gave no token. Whoever runs the identity provider, or set the client secret, must act. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError'
  readonly code = 'OAUTH_TOKEN_REFUSED'
}

/** Kafka as configured: brokers, TLS, SASL. */
export function kafkaOptionsOf(config: Config): ClusterOptions {
  const { brokers, ssl } = config.kafka
  return {
    brokers,
    clientId: config.application.id,
    ...(ssl.enabled
      ? { ssl: { ...tlsOf(ssl), ...(ssl.keyPassphrase === null ? {} : { passphrase: ssl.keyPassphrase }) } }
      : {}),
    ...saslOf(config),
  }
}

function saslOf({ kafka }: Config): Pick<ClusterOptions, 'sasl'> {
  const { mechanism, username, password } = kafka.sasl
  if (mechanism === null) return {}
  if (mechanism === 'oauthbearer') return { sasl: { mechanism, token: () => fetchToken(kafka.sasl) } }
  return {
    sasl: {
      mechanism,
      username: required(username, 'kafka.sasl.username'),
      password: required(password, 'kafka.sasl.password'),
    },
  }
}

/** Client credentials grant (RFC 6749, 4.4). Asked for at each authentication: brokers bound how often that is. */
async function fetchToken(sasl: Config['kafka']['sasl']): Promise<string> {
  const url = required(sasl.tokenUrl, 'kafka.sasl.tokenUrl')
  const credentials = `${required(sasl.clientId, 'kafka.sasl.clientId')}:${required(sasl.clientSecret, 'kafka.sasl.clientSecret')}`
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (sasl.scope !== null) form.set('scope', sasl.scope)
  const answer = await request(url, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: form.toString(),
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
  })
  const body = (await answer.body.json().catch(() => null)) as { access_token?: unknown } | null
  if (answer.statusCode !== 200 || typeof body?.access_token !== 'string') {
    throw new TokenRefusedError(
      `The token endpoint ${url} answered ${answer.statusCode} without a token: check kafka.sasl`,
    )
  }
  return body.access_token
}
