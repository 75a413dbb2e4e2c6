import type { RegistryAuth } from '../avro/registryHttp.ts'
import { SchemaRegistry } from '../avro/registry.ts'
import { required } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import { liveValue } from '../config/liveValue.ts'
import type { CallObserver } from '../http/callObserver.ts'
import { KnotApi } from '../knot/knotApi.ts'
import { CardVault } from '../vault/cardVault.ts'
import { CardDirectory } from '../vault/directory.ts'
import { liveTls } from './liveTls.ts'

/** The systems around onfile, as configured: one place where settings become clients. */

/**
 * @param onCall told of each request
 * @throws ConfigError without `registry.url`
 */
export function registryOf(config: Config, onCall?: CallObserver): SchemaRegistry {
  const { registry } = config
  return new SchemaRegistry({
    url: required(registry.url, 'registry.url'),
    auth: registryAuth(config),
    tls: liveTls(config, 'registry.ssl', registry.ssl),
    timeoutMs: registry.timeout,
    ...(onCall === undefined ? {} : { onCall }),
  })
}

function registryAuth(config: Config): () => RegistryAuth {
  const { username } = config.registry.auth
  const token = liveValue(config, 'registry.auth.token', config.registry.auth.token)
  const password = liveValue(config, 'registry.auth.password', config.registry.auth.password)
  return () => {
    const [bearer, secret] = [token(), password()]
    if (bearer !== null) return { kind: 'bearer', token: bearer }
    return username !== null && secret !== null ? { kind: 'basic', username, password: secret } : { kind: 'none' }
  }
}

/** @throws ConfigError without `vault.url` */
export function vaultOf(config: Config): CardVault {
  const { vault } = config
  return new CardVault({
    url: required(vault.url, 'vault.url'),
    token: liveValue(config, 'vault.token', vault.token),
    timeoutMs: vault.timeout,
    tls: liveTls(config, 'vault.ssl', vault.ssl),
  })
}

/**
 * @param onCall told of each request
 * @throws ConfigError without `directory.url` and `vault.url`
 */
export function directoryOf(config: Config, onCall?: CallObserver): CardDirectory {
  const { directory } = config
  return new CardDirectory({
    url: required(directory.url, 'directory.url'),
    token: liveValue(config, 'directory.token', directory.token),
    timeoutMs: directory.timeout,
    ...(onCall === undefined ? {} : { onCall }),
    tls: liveTls(config, 'directory.ssl', directory.ssl),
  })
}

/** @throws ConfigError without `knot.url`, `knot.clientId` or `knot.secret` */
export function knotOf(config: Config): KnotApi {
  const { knot } = config
  return new KnotApi({
    url: required(knot.url, 'knot.url'),
    secureUrl: knot.secureUrl,
    clientId: required(knot.clientId, 'knot.clientId'),
    secret: liveValue(config, 'knot.secret', required(knot.secret, 'knot.secret')),
    timeoutMs: knot.timeout,
    connections: knot.concurrency,
    allowInsecure: knot.allowInsecure,
    tls: liveTls(config, 'knot.ssl', knot.ssl),
  })
}
