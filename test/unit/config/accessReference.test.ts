import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { accessReference } from '../../../src/config/accessReference.ts'
import { accessRights, planningRights } from '../../../src/config/accessRights.ts'
import { resolveDefaults } from '../../../src/config/config.ts'
import { defaultSettings } from '../../../src/config/defaults.ts'
import { ROLES } from '../../../src/config/schema.ts'
import { expectedTopics } from '../../../src/config/topicPlan.ts'

const config = resolveDefaults(defaultSettings())

describe('docs/access.md', () => {
  test('is what `npm run docs` writes', () => {
    const page = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
    expect(page).toBe(accessReference())
  })
})

describe('rights', () => {
  test('concern every topic', () => {
    const named = accessRights(config, ROLES).filter(({ resource }) => resource === 'topic')
    expect(named.map(({ name }) => name)).toEqual(expectedTopics(config).map(({ name }) => name))
  })

  test('let nobody write where the issuer writes', () => {
    const issuers = [config.topics.cardLifecycle, config.topics.knotEvents]
    for (const { name, operations } of accessRights(config, ROLES)) {
      if (issuers.includes(name)) expect(operations).toEqual(['READ'])
    }
  })

  test('let the processor create no command result and the provisioner no command', () => {
    const writes = (roles: readonly (typeof ROLES)[number][], name: string): boolean =>
      accessRights(config, roles).some(right => right.name === name && right.operations.includes('WRITE'))
    expect(writes(['ingest', 'decide'], config.topics.provisionChangelog)).toBe(false)
    expect(writes(['provision'], config.topics.provisioningCommands)).toBe(false)
    expect(writes(['provision'], config.topics.cardOutcomes)).toBe(false)
  })

  test("never let onfile create the issuer's topics", () => {
    const created = planningRights(config, 'apply').filter(({ operations }) => operations.includes('CREATE'))
    expect(created.map(({ name }) => name)).not.toContain(config.topics.cardLifecycle)
    expect(created.length).toBe(expectedTopics(config).length - 2)
  })
})
