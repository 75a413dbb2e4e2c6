import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { connectClusterTopics } from '../../../src/cli/clusterTopics.ts'
import { createTopics } from '../../support/topics.ts'
import { NO_SETTINGS, onfile } from '../../unit/cli/commandLine.ts'
import type { Ended } from '../../unit/cli/commandLine.ts'

/** Topics of this test only: the bed is shared. */
function environmentOf(prefix: string): NodeJS.ProcessEnv {
  return {
    ONFILE_CONFIG: NO_SETTINGS,
    ONFILE_KAFKA_BROKERS: inject('brokers'),
    ONFILE_REGISTRY_URL: inject('registryUrl'),
    ONFILE_APPLICATION_ID: prefix,
    ONFILE_TOPICS_CARD_LIFECYCLE: `${prefix}-in-cards`,
    ONFILE_TOPICS_KNOT_EVENTS: `${prefix}-in-knot`,
    ONFILE_TOPICS_PROVISIONING_COMMANDS: `${prefix}-commands`,
    ONFILE_TOPICS_CARD_SUPPRESSIONS: `${prefix}-suppressions`,
    ONFILE_TOPICS_CARD_OUTCOMES: `${prefix}-outcomes`,
    ONFILE_TOPICS_REPLICATION_FACTOR: '1',
    ONFILE_TOPICS_PARTITIONS: '2',
    ONFILE_STATE_DIR: stateDirectory,
  }
}

const stateDirectory = mkdtempSync(join(tmpdir(), 'onfile-commands-'))
const id = `cli-${randomUUID().slice(0, 8)}`
const admin = new Kafka({ brokers: inject('brokers').split(','), logLevel: logLevel.NOTHING }).admin()

beforeAll(() => admin.connect())
afterAll(async () => {
  await admin.disconnect()
  rmSync(stateDirectory, { recursive: true })
})

function run(commandLine: string, more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const parts = { connectTopicAdmin: connectClusterTopics, oneShotDeadlineMs: 30_000 }
  return onfile(commandLine, { ...environmentOf(id), ...more }, parts)
}

describe('on a real cluster and registry', () => {
  test('topics are planned, created and found right, and never touched again', async () => {
    const before = await run('topics plan')
    expect(before.code).toBe(78)
    expect(before.out).toContain(`✗ ${id}-in-cards does not exist`)
    expect(before.out).toContain(`+ ${id}-outcomes: 2 partitions, 1 replicas, cleanup.policy=delete`)
    expect((await admin.listTopics()).filter(name => name.startsWith(id))).toEqual([])

    expect((await run('topics apply')).code).toBe(78)
    await createTopics(inject('brokers'), [{ topic: `${id}-in-cards` }, { topic: `${id}-in-knot` }])
    const after = await run('topics plan')
    expect(after.out.split('\n').every(line => line.startsWith('✓'))).toBe(true)
    expect(after.code).toBe(0)
    expect((await run('topics apply')).code).toBe(0)

    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: `${id}-decide-changelog`,
          configNames: ['cleanup.policy', 'delete.retention.ms'],
        },
      ],
    })
    const settings = resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue])
    expect(Object.fromEntries(settings)).toEqual({ 'cleanup.policy': 'compact', 'delete.retention.ms': '86400000' })
    const { topics } = await admin.fetchTopicMetadata({ topics: [`${id}-suppressions`] })
    expect(topics[0]!.partitions).toHaveLength(2)
  })

  test('another partition count is 78, and apply leaves it alone', async () => {
    const ended = await run('topics apply', { ONFILE_TOPICS_PARTITIONS: '3' })
    expect(ended.code).toBe(78)
    expect(ended.out).toContain(`✗ ${id}-outcomes has 2 partitions, not 3`)
    expect((await run('topics plan')).code).toBe(0)
  })

  test('more replicas than brokers is 78, with the reason of the brokers', async () => {
    const more = { ...environmentOf(`${id}-many`), ONFILE_TOPICS_REPLICATION_FACTOR: '99' }
    const ended = await run('topics apply', more)
    expect(ended.err).toContain('INVALID_REPLICATION_FACTOR')
    expect(ended.code).toBe(78)
  })

  test('schemas are missing, then registered, then found', async () => {
    const before = await run('schemas check')
    expect(before.code).toBe(78)
    expect(before.out).toContain(`✗ schema ${id}-outcomes-value: is not registered`)
    expect((await run('schemas register')).code).toBe(0)
    expect((await run('schemas register')).code).toBe(0)
    expect(await run('schemas check')).toMatchObject({ code: 0, err: '' })
  })

  test('check is 0 for a role that needs no more than Kafka and the registry', async () => {
    const ended = await run('check', { ONFILE_ROLES: 'decide' })
    expect(ended.out).toContain('✓ topics: 6 as they should be')
    expect(ended.out).toContain('✓ rights: those of decide are granted')
    expect(ended.code).toBe(0)
  })
})
