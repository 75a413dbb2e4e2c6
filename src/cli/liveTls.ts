import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Config } from '../config/config.ts'
import { liveValue } from '../config/liveValue.ts'
import type { ClientTls } from '../http/freshConnector.ts'

/** The certificates of one connection as they were read at the start. */
export interface Pems {
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
  readonly keyPassphrase?: string | null
}

/** What a start was given cannot be used for TLS at all: a certificate and the key of another one, a text that is none. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
  readonly code = 'CERTIFICATE_UNUSABLE'

  constructor(settings: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`${settings} cannot be used (${why}): whoever deploys onfile must get them anew from who issued them`, {
      cause,
    })
  }
}

/** Certificates as Node's TLS takes them, without those that are not set. */
export function tlsOf({ ca, cert, key, keyPassphrase = null }: Pems): ClientTls {
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(keyPassphrase === null ? {} : { passphrase: keyPassphrase }),
  }
}

/**
 * The certificates of now, out of their files: for the next connection. What does not fit together (a certificate is
 * there and its key not yet) is not taken: those of before go on. The same object while nothing changed.
 * @throws CertificateError where those of the start cannot be used
 */
export function liveTls(config: Pick<Config, 'files'>, group: string, atStart: Pems): () => ClientTls {
  const ca = liveValue(config, `${group}.ca`, atStart.ca)
  const cert = liveValue(config, `${group}.cert`, atStart.cert)
  const key = liveValue(config, `${group}.key`, atStart.key)
  const keyPassphrase = liveValue(config, `${group}.keyPassphrase`, atStart.keyPassphrase ?? null)
  let taken: Pems = { ...atStart, keyPassphrase: atStart.keyPassphrase ?? null }
  let tls = tlsOf(taken)
  requireUsable(group, taken)
  return () => {
    const found = { ca: ca(), cert: cert(), key: key(), keyPassphrase: keyPassphrase() }
    const same =
      found.ca === taken.ca &&
      found.cert === taken.cert &&
      found.key === taken.key &&
      found.keyPassphrase === taken.keyPassphrase
    if (same) return tls
    const next = tlsOf(found)
    try {
      createSecureContext(next)
    } catch {
      return tls
    }
    taken = found
    tls = next
    return tls
  }
}

function requireUsable(group: string, pems: Pems): void {
  if (pems.ca !== null) attempt(`${group}.ca`, () => new X509Certificate(pems.ca!))
  if (pems.cert === null) return
  const pair = `${group}.cert and ${group}.key${pems.keyPassphrase ? ` (with ${group}.keyPassphrase)` : ''}`
  attempt(pair, () => createSecureContext(tlsOf(pems)))
}

function attempt(settings: string, use: () => unknown): void {
  try {
    use()
  } catch (error) {
    throw new CertificateError(settings, error)
  }
}
