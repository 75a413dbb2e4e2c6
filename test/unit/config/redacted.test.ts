import { describe, expect, test } from 'vitest'
import { CONFIG_KEYS } from '../../../src/config/keys.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { redacted } from '../../../src/config/redacted.ts'

describe('redacted', () => {
  test('holds no secret that is set, and says which are', () => {
    const secrets = CONFIG_KEYS.filter(key => key.description.secret === true && !key.path.startsWith('kafka.sasl'))
    expect(secrets.length).toBeGreaterThan(8)
    const environment: NodeJS.ProcessEnv = Object.fromEntries(
      secrets.map(key => [key.environmentName, `-----BEGIN ${key.path} canary`]),
    )
    for (const group of ['KAFKA', 'REGISTRY', 'DIRECTORY', 'KNOT', 'VAULT'])
      environment[`ONFILE_${group}_SSL_CERT`] = '-----BEGIN C'
    environment.ONFILE_ADMIN_TOKEN = 'canary'.repeat(6)
    environment.ONFILE_KAFKA_SSL_ENABLED = 'true'
    delete environment.ONFILE_REGISTRY_AUTH_PASSWORD
    const text = JSON.stringify(redacted(loadConfig({ environment }, 'print')))
    expect(text).not.toContain('canary')
    expect(text.match(/\[redacted\]/g)).toHaveLength(secrets.length - 1)
  })

  test('writes values as they are configured', () => {
    const environment = {
      ONFILE_INGEST_START_AT: '2026-01-31T00:00:00Z',
      ONFILE_POLICY_VAULT_RECHECK: '60s,2h',
      ONFILE_REGISTRY_URL: 'https://user:pass@registry/api',
    }
    expect(redacted(loadConfig({ environment }, 'print'))).toMatchObject({
      kafka: { sessionTimeout: '45s' },
      ingest: { startAt: '2026-01-31T00:00:00.000Z' },
      policy: { vaultRecheck: ['1m', '2h'] },
      knot: { ratePerSecond: 'unlimited' },
      registry: { url: 'https://[redacted]@registry/api' },
      topics: { userEvents: 'onfile-user-events' },
    })
  })
})
