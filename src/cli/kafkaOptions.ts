import { required } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import { liveValue } from '../config/liveValue.ts'
import type { ClusterOptions } from '../kafka/cluster.ts'
import { liveTls } from './liveTls.ts'
import { OauthTokens } from './oauthTokens.ts'

/** Kafka as configured: brokers, TLS, SASL. */
export function kafkaOptionsOf(config: Config): ClusterOptions {
  const { brokers, ssl } = config.kafka
  return {
    brokers,
    clientId: config.application.id,
    ...(ssl.enabled ? { ssl: liveTls(config, 'kafka.ssl', ssl) } : {}),
    ...saslOf(config),
  }
}

function saslOf(config: Config): Pick<ClusterOptions, 'sasl'> {
  const { mechanism, username, password } = config.kafka.sasl
  if (mechanism === null) return {}
  if (mechanism === 'oauthbearer') {
    const tokens = tokensOf(config)
    return { sasl: { mechanism, token: () => tokens.token() } }
  }
  return {
    sasl: {
      mechanism,
      username: required(username, 'kafka.sasl.username'),
      password: liveValue(config, 'kafka.sasl.password', required(password, 'kafka.sasl.password')),
    },
  }
}

function tokensOf(config: Config): OauthTokens {
  const { tokenUrl, clientId, clientSecret, scope } = config.kafka.sasl
  return new OauthTokens({
    tokenUrl: required(tokenUrl, 'kafka.sasl.tokenUrl'),
    clientId: required(clientId, 'kafka.sasl.clientId'),
    clientSecret: liveValue(config, 'kafka.sasl.clientSecret', required(clientSecret, 'kafka.sasl.clientSecret')),
    scope,
  })
}
