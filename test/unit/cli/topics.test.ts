import { describe, expect, test } from 'vitest'
import { MemoryTopics, onfile } from './commandLine.ts'

const ENVIRONMENT = { ONFILE_KAFKA_BROKERS: 'broker:9092' }

function topics(command: string, admin: MemoryTopics) {
  return onfile(`topics ${command}`, ENVIRONMENT, { connectTopicAdmin: () => Promise.resolve(admin) })
}

describe('topics plan', () => {
  test('is 0 when nothing differs, and changes nothing', async () => {
    const admin = MemoryTopics.right()
    const { code, out } = await topics('plan', admin)
    expect(code).toBe(0)
    expect(out.split('\n')).toHaveLength(11)
    expect(out).toContain('✓ card-outcomes: 12 partitions')
    expect(admin.created).toEqual([])
    expect(admin.closed).toBe(1)
  })

  test('is 78 when a topic is missing or wrong, and says what would be created', async () => {
    const admin = MemoryTopics.right()
    admin.topics.delete('onfile-dlq')
    admin.topics.delete('card-lifecycle')
    const { code, out } = await topics('plan', admin)
    expect(code).toBe(78)
    expect(out).toContain('+ onfile-dlq: 12 partitions, 3 replicas, cleanup.policy=delete, retention.ms=7776000000')
    expect(out).toContain('✗ card-lifecycle does not exist: the team that writes it must create it')
    expect(admin.created).toEqual([])
  })
})

test('a topic that this principal may not see is wrong, one whose settings it may not see is right and says so', async () => {
  const admin = MemoryTopics.right()
  admin.topics.set('card-outcomes', 'hidden')
  admin.change('onfile-dlq', { settings: null })
  const { code, out } = await topics('plan', admin)
  expect(code).toBe(78)
  expect(out).toMatch(/✗ card-outcomes cannot be seen: whoever administers the cluster must grant .*docs\/access\.md/)
  expect(out).toMatch(/✓ onfile-dlq: 12 partitions; its settings were not looked at.*DESCRIBE_CONFIGS/)
})

describe('topics apply', () => {
  test('creates what is missing and is 0 when everything is right afterwards', async () => {
    const admin = MemoryTopics.right()
    admin.topics.delete('onfile-dlq')
    admin.topics.delete('card-outcomes')
    const { code, out } = await topics('apply', admin)
    expect(code).toBe(0)
    expect(admin.created).toEqual(['card-outcomes', 'onfile-dlq'])
    expect(out).toContain('created card-outcomes: 12 partitions')
    expect((await topics('apply', admin)).code).toBe(0)
    expect(admin.created).toHaveLength(2)
  })

  test('creates its own topics although the issuer’s are missing, and stays 78 until they exist', async () => {
    const admin = new MemoryTopics()
    expect((await topics('apply', admin)).code).toBe(78)
    expect(admin.created).toHaveLength(9)
    expect(admin.topics.has('card-lifecycle')).toBe(false)
  })

  test('creates nothing while one of its own topics is wrong', async () => {
    const admin = MemoryTopics.right()
    admin.topics.delete('card-outcomes')
    admin.change('provisioning-commands', { partitions: 3 })
    const { code, out, err } = await topics('apply', admin)
    expect(code).toBe(78)
    expect(out).toContain('✗ provisioning-commands has 3 partitions, not 12')
    expect(err).toContain('Nothing was created')
    expect(admin.created).toEqual([])
  })
})

describe('a cluster that does not answer', () => {
  test('is given up after the deadline, with 69', async () => {
    const never = () => new Promise<never>(() => undefined)
    const startedMs = Date.now()
    const ended = await onfile('topics plan', ENVIRONMENT, { connectTopicAdmin: never, oneShotDeadlineMs: 100 })
    expect(ended.code).toBe(69)
    expect(ended.err).toContain('Kafka at broker:9092 gave no answer within 0.1 s')
    expect(Date.now() - startedMs).toBeLessThan(2_000)
  })
})
