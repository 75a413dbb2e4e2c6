import type { RuleGroup } from './alert.ts'

const EXPIRES_WITHIN_DAYS = 14

/** Will what onfile stands on still be there tomorrow? */
export const surroundings: RuleGroup = {
  name: 'onfile-surroundings',
  rules: [
    {
      name: 'OnfileCertificateExpires',
      severity: 'ticket',
      expr:
        'min by (job, system, certificate) (onfile_certificate_not_after_timestamp_seconds) - time() < ' +
        `${EXPIRES_WITHIN_DAYS} * 86400`,
      summary: 'A certificate of a connection ends soon.',
      description:
        'The certificate ({{ $labels.certificate }}) for {{ $labels.system }} ends in {{ $value | humanizeDuration }}. After that no ' +
        'new connection is made.',
    },
    {
      name: 'OnfileVolumeFillsIn24h',
      severity: 'ticket',
      // A store that is walked through to free what is stale frees a segment at a time: less than half of the volume must be left.
      expr:
        'predict_linear(onfile_state_volume_free_bytes[6h], 86400) < 0 and ' +
        'onfile_state_volume_free_bytes / onfile_state_volume_size_bytes < 0.5',
      for: '1h',
      summary: 'The volume of the state is full within a day.',
      description:
        '{{ $labels.instance }} fills the volume of its state within a day, at the rate of the last 6 hours.',
    },
    {
      name: 'OnfileCredentialsRefused',
      severity: 'ticket',
      // A short look that must stay true for longer: one refusal while a secret is rotated is gone before the time is over.
      expr: 'sum by (job, system, operation) (increase(onfile_calls_total{answer=~"unauthorized|forbidden"}[5m])) > 0',
      for: '10m',
      summary: 'A system refuses the credentials of onfile.',
      description:
        '{{ $labels.system }} has refused calls ({{ $labels.operation }}) for who was asking for more than 10 minutes, ' +
        '{{ $value | printf "%.0f" }} of them in the last 5.',
    },
  ],
}
