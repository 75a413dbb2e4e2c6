import { X509Certificate } from 'node:crypto'
import type { StatsFs } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { Config } from '../../config/config.ts'
import { liveValue } from '../../config/liveValue.ts'
import type { CertificateEnd, StateVolume, Surroundings } from '../../telemetry/surroundings.ts'

const ONE_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

const SYSTEMS = ['kafka', 'registry', 'directory', 'vault', 'knot'] as const

/** What a page of metrics waits for the volume at most. */
const VOLUME_WITHIN_MS = 1_000

/** Size and free space of the volume that a path is on, in blocks. */
type AskVolume = (path: string) => Promise<Pick<StatsFs, 'bsize' | 'blocks' | 'bavail'>>

/**
 * Looks at what onfile stands on: the certificates of its connections as they are in their files now, and the volume of
 * `state.dir`. Nothing that it cannot read is shown, and nothing rejects or waits for longer than a second.
 */
export function surroundingsOf(config: Config, ask: AskVolume = statfs): () => Promise<Surroundings> {
  const certificates = certificateEnds(config)
  const volume = volumeOf(config.state.dir, ask)
  return async () => ({ certificates: certificates(), volume: await volume() })
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

/**
 * A volume that hangs (NFS) keeps a look for ever, and with it one of the few threads that work on files: while one is
 * open there is no other, and its answer is that nothing is known.
 */
function volumeOf(directory: string, ask: AskVolume): () => Promise<StateVolume | null> {
  let open: Promise<StateVolume | null> | null = null
  return () => {
    open ??= withinLimit(look(directory, ask).finally(() => (open = null)))
    return open
  }
}

async function look(directory: string, ask: AskVolume): Promise<StateVolume | null> {
  try {
    const { bsize, blocks, bavail } = await ask(directory)
    return { sizeBytes: bsize * blocks, freeBytes: bsize * bavail }
  } catch {
    return null
  }
}

async function withinLimit(looked: Promise<StateVolume | null>): Promise<StateVolume | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>(resolve => {
    timer = setTimeout(resolve, VOLUME_WITHIN_MS, null)
  })
  try {
    return await Promise.race([looked, late])
  } finally {
    clearTimeout(timer)
  }
}
