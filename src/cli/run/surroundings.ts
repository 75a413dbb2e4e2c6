import { X509Certificate } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import type { Config } from '../../config/config.ts'
import { liveValue } from '../../config/liveValue.ts'
import type { CertificateEnd, StateVolume, Surroundings } from '../../telemetry/surroundings.ts'

const ONE_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

const SYSTEMS = ['kafka', 'registry', 'directory', 'vault', 'knot'] as const

/**
 * Looks at what onfile stands on: the certificates of its connections as they are in their files now, and the volume of
 * `state.dir`. Nothing that it cannot read is shown, and nothing rejects.
 */
export function surroundingsOf(config: Config): () => Promise<Surroundings> {
  const certificates = certificateEnds(config)
  return async () => ({ certificates: certificates(), volume: await volumeOf(config.state.dir) })
}

function certificateEnds(config: Config): () => CertificateEnd[] {
  const looks = SYSTEMS.map(system => {
    const { cert, ca } = config[system].ssl
    const live = { cert: liveValue(config, `${system}.ssl.cert`, cert), ca: liveValue(config, `${system}.ssl.ca`, ca) }
    return [system, live] as const
  })
  return () =>
    looks.flatMap(([system, { cert, ca }]) => {
      const own = endsOf(cert()).at(0)
      const authorities = endsOf(ca())
      return [
        ...(own === undefined ? [] : [{ system, certificate: 'own' as const, notAfterMs: own }]),
        ...(authorities.length === 0
          ? []
          : [{ system, certificate: 'authority' as const, notAfterMs: Math.max(...authorities) }]),
      ]
    })
}

/** Ends of the certificates in a text, in order; what follows the first one of ours is the chain of who signed it. */
function endsOf(pem: string | null): number[] {
  if (pem === null) return []
  return [...pem.matchAll(ONE_CERTIFICATE)].flatMap(([one]) => {
    try {
      return [Date.parse(new X509Certificate(one).validTo)]
    } catch {
      return []
    }
  })
}

async function volumeOf(directory: string): Promise<StateVolume | null> {
  try {
    const { bsize, blocks, bavail } = await statfs(directory)
    return { sizeBytes: bsize * blocks, freeBytes: bsize * bavail }
  } catch {
    return null
  }
}
