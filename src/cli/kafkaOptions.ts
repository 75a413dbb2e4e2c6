import { required } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import type { ClusterOptions } from '../kafka/cluster.ts'
import { tlsOf } from './connections.ts'
import { OauthTokens } from './oauthTokens.ts'

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
  if (mechanism === 'oauthbearer') {
    const tokens = tokensOf(kafka.sasl)
    return { sasl: { mechanism, token: () => tokens.token() } }
  }
  return {
    sasl: {
      mechanism,
      username: required(username, 'kafka.sasl.username'),
      password: required(password, 'kafka.sasl.password'),
    },
  }
}

function tokensOf({ tokenUrl, clientId, clientSecret, scope }: Config['kafka']['sasl']): OauthTokens {
  return new OauthTokens({
    tokenUrl: required(tokenUrl, 'kafka.sasl.tokenUrl'),
    clientId: required(clientId, 'kafka.sasl.clientId'),
    clientSecret: required(clientSecret, 'kafka.sasl.clientSecret'),
    scope,
  })
}
