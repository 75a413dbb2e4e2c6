import type { RegistryAuth } from '../avro/registryHttp.ts'
import { SchemaRegistry } from '../avro/registry.ts'
import { required } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import { KnotApi } from '../knot/knotApi.ts'
import { CardVault } from '../vault/cardVault.ts'
import { CardDirectory } from '../vault/directory.ts'

/** The systems around onfile, as configured: one place where settings become clients. */

interface Pems {
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
}

/** Certificates as Node's TLS takes them, without those that are not set. */
export function tlsOf({ ca, cert, key }: Pems): { ca?: string; cert?: string; key?: string } {
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  }
}

/** @throws ConfigError without `registry.url` */
export function registryOf({ registry }: Config): SchemaRegistry {
  return new SchemaRegistry({
    url: required(registry.url, 'registry.url'),
    auth: registryAuth(registry.auth),
    tls: tlsOf(registry.ssl),
    timeoutMs: registry.timeout,
  })
}

function registryAuth({ username, password, token }: Config['registry']['auth']): RegistryAuth {
  if (token !== null) return { kind: 'bearer', token }
  return username !== null && password !== null ? { kind: 'basic', username, password } : { kind: 'none' }
}

/** @throws ConfigError without `vault.url` */
export function vaultOf({ vault }: Config): CardVault {
  return new CardVault({
    url: required(vault.url, 'vault.url'),
    token: vault.token,
    timeoutMs: vault.timeout,
    tls: tlsOf(vault.ssl),
  })
}

/** @throws ConfigError without `directory.url` and `vault.url` */
export function directoryOf({ directory }: Config): CardDirectory {
  return new CardDirectory({
    url: required(directory.url, 'directory.url'),
    token: directory.token,
    timeoutMs: directory.timeout,
    tls: tlsOf(directory.ssl),
  })
}

/** @throws ConfigError without `knot.url`, `knot.clientId` or `knot.secret` */
export function knotOf({ knot }: Config): KnotApi {
  return new KnotApi({
    url: required(knot.url, 'knot.url'),
    secureUrl: knot.secureUrl,
    clientId: required(knot.clientId, 'knot.clientId'),
    secret: required(knot.secret, 'knot.secret'),
    timeoutMs: knot.timeout,
    connections: knot.concurrency,
    allowInsecure: knot.allowInsecure,
    tls: tlsOf(knot.ssl),
  })
}
