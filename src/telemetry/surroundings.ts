import type { Instruments } from './instruments.ts'

/** The end of a certificate that a connection uses. */
export interface CertificateEnd {
  /** Whose connection: `kafka`, `registry`, `directory`, `vault`, `knot`. */
  readonly system: string
  /** `own`: what onfile shows. `authority`: of those that vouch for the other side, the one that lasts longest. */
  readonly certificate: 'own' | 'authority'
  /** Milliseconds since the epoch. */
  readonly notAfterMs: number
}

/** The volume that `state.dir` is on. Bytes. */
export interface StateVolume {
  readonly sizeBytes: number
  readonly freeBytes: number
}

/** What onfile stands on, looked at anew with each scrape. */
export interface Surroundings {
  readonly certificates: readonly CertificateEnd[]
  /** null where the platform does not say, or not in time. */
  readonly volume: StateVolume | null
}

/** Sets these gauges from one look; what is not there any more is not shown. */
export function surroundingsGauges(instruments: Instruments): (found: Surroundings) => void {
  const notAfter = instruments.gauge(
    'onfile_certificate_not_after_timestamp_seconds',
    'End of a certificate as it is in its file now. `own` is what onfile shows; of the `authority` ones the one that lasts longest.',
    ['system', 'certificate'],
  )
  const size = instruments.gauge('onfile_state_volume_size_bytes', 'Size of the volume that `state.dir` is on.', [])
  const free = instruments.gauge('onfile_state_volume_free_bytes', 'What onfile may still write to that volume.', [])
  return ({ certificates, volume }) => {
    for (const gauge of [notAfter, size, free]) gauge.reset()
    for (const { system, certificate, notAfterMs } of certificates) {
      notAfter.set({ system, certificate }, notAfterMs / 1_000)
    }
    if (volume === null) {
      size.remove()
      free.remove()
      return
    }
    size.set(volume.sizeBytes)
    free.set(volume.freeBytes)
  }
}
