import type { AlertCase } from './alertCase.ts'

const JOB = 'job="onfile",instance="a:9400"'
const LABELS = { job: 'onfile', instance: 'a:9400' }
/** promtool's clock begins at 0. */
const DAY = 86_400

/** A volume of 100 bytes, looked at each quarter of an hour. */
function volume(free: string): Record<string, string> {
  return {
    [`onfile_state_volume_free_bytes{${JOB}}`]: free,
    [`onfile_state_volume_size_bytes{${JOB}}`]: '100x200',
  }
}

export const SURROUNDINGS_CASES: readonly AlertCase[] = [
  {
    alert: 'OnfileCertificateExpires',
    what: 'ten days are left in one of two processes',
    series: {
      [`onfile_certificate_not_after_timestamp_seconds{${JOB},system="vault",certificate="own"}`]: `${10 * DAY}x10`,
      'onfile_certificate_not_after_timestamp_seconds{job="onfile",instance="b:9400",system="vault",certificate="own"}': `${90 * DAY}x10`,
    },
    at: '0m',
    fires: {
      labels: { job: 'onfile', system: 'vault', certificate: 'own' },
      description: 'The certificate (own) for vault ends in 10d 0h 0m 0s. After that no new connection is made.',
    },
  },
  {
    alert: 'OnfileCertificateExpires',
    what: 'it is two months',
    series: {
      [`onfile_certificate_not_after_timestamp_seconds{${JOB},system="vault",certificate="own"}`]: `${60 * DAY}x10`,
    },
    at: '5m',
    fires: null,
  },
  {
    alert: 'OnfileVolumeFillsIn24h',
    what: 'it loses two hundredths an hour, and less than forty are left',
    sample: '15m',
    series: volume('90-0.5x200'),
    at: '26h',
    fires: {
      labels: LABELS,
      description: 'a:9400 fills the volume of its state within a day, at the rate of the last 6 hours.',
    },
  },
  {
    alert: 'OnfileVolumeFillsIn24h',
    what: 'the same pace on a volume that is nearly empty: the first restore',
    sample: '15m',
    series: volume('99-1x40'),
    at: '9h',
    fires: null,
  },
  {
    alert: 'OnfileVolumeFillsIn24h',
    what: 'nearly full, but it stays so',
    sample: '15m',
    series: volume('20x200'),
    at: '26h',
    fires: null,
  },
  {
    alert: 'OnfileCredentialsRefused',
    what: 'the token of the directory has ended',
    series: {
      [`onfile_calls_total{${JOB},system="directory",operation="owner",answer="unauthorized"}`]: '0x10 0+1x40',
    },
    at: '30m',
    fires: {
      labels: { job: 'onfile', system: 'directory', operation: 'owner' },
      description:
        'directory has refused calls (owner) for who was asking for more than 10 minutes, 5 of them in the last 5.',
    },
  },
  {
    alert: 'OnfileCredentialsRefused',
    what: 'two calls are refused while a token is rotated, and none after that',
    series: {
      [`onfile_calls_total{${JOB},system="directory",operation="owner",answer="unauthorized"}`]: '0x10 1 2x40',
    },
    at: '22m',
    fires: null,
  },
  {
    alert: 'OnfileCredentialsRefused',
    what: 'it answers that it does not know a card',
    series: { [`onfile_calls_total{${JOB},system="directory",operation="owner",answer="unknown"}`]: '0+5x60' },
    at: '30m',
    fires: null,
  },
]
