import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CONFIG_KEYS } from '../../../src/config/keys.ts'
import { configurationReference } from '../../../src/config/reference.ts'

describe('docs/configuration.md', () => {
  test('is what `npm run docs` writes', () => {
    const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
    expect(page).toBe(configurationReference())
  })

  test('has a row with key and variable for every setting', () => {
    const page = configurationReference()
    for (const key of CONFIG_KEYS) expect(page).toContain(`| \`${key.path}\`<br>\`${key.environmentName}\` |`)
  })
})

describe('environment names', () => {
  test.each([
    ['kafka.brokers', 'ONFILE_KAFKA_BROKERS'],
    ['knot.secureUrl', 'ONFILE_KNOT_SECURE_URL'],
    ['topics.cardLifecycle', 'ONFILE_TOPICS_CARD_LIFECYCLE'],
    ['engine.maxRecordsPerCycle', 'ONFILE_ENGINE_MAX_RECORDS_PER_CYCLE'],
    ['state.dir', 'ONFILE_STATE_DIR'],
    ['roles', 'ONFILE_ROLES'],
  ])('%s is %s', (path, name) => {
    expect(CONFIG_KEYS.find(key => key.path === path)?.environmentName).toBe(name)
  })
})
