import { describe, expect, it, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { compareTopics, expectedTopics } from '../../../src/config/topicPlan.ts'
import type { FoundTopic } from '../../../src/config/topicPlan.ts'

function configOf(environment: NodeJS.ProcessEnv = {}) {
  return loadConfig({ environment }, 'print')
}

/** Every topic exactly as expected, with `partitions` where the count matters. */
function cluster(partitions = 12, environment: NodeJS.ProcessEnv = {}): Map<string, FoundTopic> {
  return new Map(
    expectedTopics(configOf(environment)).map(({ name, copartitioned, settings }) => [
      name,
      {
        name,
        partitions: copartitioned ? partitions : 3,
        replicationFactor: 3,
        settings: new Map(settings.map(setting => [setting.name, setting.value])),
      },
    ]),
  )
}

function change(found: Map<string, FoundTopic>, name: string, partial: Partial<FoundTopic>): void {
  found.set(name, { ...found.get(name)!, ...partial })
}

function setting(found: Map<string, FoundTopic>, name: string, key: string, value: string): void {
  change(found, name, { settings: new Map([...found.get(name)!.settings!, [key, value]]) })
}

describe('the topic plan', () => {
  test('creates what is missing, with the partitions of what exists, and never the issuer’s topics', () => {
    const findings = compareTopics(configOf(), new Map())
    expect(findings.filter(({ kind }) => kind === 'wrong').map(({ topic }) => topic)).toEqual([
      'card-lifecycle',
      'knot-events',
    ])
    const creations = findings.flatMap(finding => (finding.kind === 'creatable' ? [finding.creation] : []))
    expect(creations.map(({ name }) => name)).toEqual([
      'onfile-user-events',
      'provisioning-commands',
      'card-suppressions',
      'card-outcomes',
      'onfile-decide-changelog',
      'onfile-provision-changelog',
      'onfile-dlq',
      'onfile-retry',
      'onfile-control',
    ])
    expect(creations.map(({ partitions }) => partitions)).toEqual([12, 12, 12, 12, 12, 12, 12, 12, 1])

    const found = cluster(6)
    found.delete('card-outcomes')
    expect(compareTopics(configOf(), found).find(({ topic }) => topic === 'card-outcomes')).toMatchObject({
      kind: 'creatable',
      creation: { partitions: 6, replicationFactor: 3 },
    })
  })

  test('each topic has the policy of the design', () => {
    const policies = expectedTopics(configOf()).map(({ name, settings }) => [
      name,
      Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    ])
    const day = 86_400_000
    const twoInSync = { 'min.insync.replicas': '2' }
    const deleted = (days: number) => ({ 'cleanup.policy': 'delete', 'retention.ms': String(days * day), ...twoInSync })
    const compacted = {
      'cleanup.policy': 'compact',
      'delete.retention.ms': String(day),
      'max.compaction.lag.ms': String(7 * day),
      ...twoInSync,
    }
    const large = { 'max.message.bytes': '2097152' }
    expect(Object.fromEntries(policies)).toEqual({
      'card-lifecycle': {},
      'knot-events': {},
      'onfile-user-events': deleted(30),
      'provisioning-commands': deleted(30),
      'card-suppressions': compacted,
      'card-outcomes': deleted(400),
      'onfile-decide-changelog': compacted,
      'onfile-provision-changelog': compacted,
      'onfile-dlq': { ...deleted(90), ...large },
      'onfile-retry': { ...deleted(30), ...large },
      'onfile-control': compacted,
    })
  })

  test('a cluster as planned is right, whatever its partition count', () => {
    for (const count of [1, 12, 50]) {
      expect(new Set(compareTopics(configOf(), cluster(count)).map(({ kind }) => kind))).toEqual(new Set(['right']))
    }
  })

  it.each<[string, (found: Map<string, FoundTopic>) => void, string, RegExp]>([
    [
      'another partition count',
      found => change(found, 'card-outcomes', { partitions: 13 }),
      'card-outcomes',
      /^has 13 partitions, not 12: /,
    ],
    [
      'a changelog that is not compacted',
      found => setting(found, 'onfile-decide-changelog', 'cleanup.policy', 'delete'),
      'onfile-decide-changelog',
      /^has cleanup\.policy delete, not compact: /,
    ],
    [
      'a changelog that is compacted and deleted',
      found => setting(found, 'onfile-decide-changelog', 'cleanup.policy', 'compact,delete'),
      'onfile-decide-changelog',
      /^has cleanup\.policy compact,delete, not compact: /,
    ],
    [
      'too short a life of deletes',
      found => setting(found, 'onfile-provision-changelog', 'delete.retention.ms', '1000'),
      'onfile-provision-changelog',
      /^has delete\.retention\.ms 1000, not at least 86400000: /,
    ],
    [
      'too few replicas in sync',
      found => setting(found, 'onfile-user-events', 'min.insync.replicas', '1'),
      'onfile-user-events',
      /^has min\.insync\.replicas 1, not at least 2: /,
    ],
    [
      'a missing topic of the issuer',
      found => found.delete('knot-events'),
      'knot-events',
      /does not exist.*topics\.knotEvents/,
    ],
  ])('%s is wrong', (_what, spoil, topic, problem) => {
    const found = cluster()
    spoil(found)
    const wrong = compareTopics(configOf(), found).filter(({ kind }) => kind === 'wrong')
    expect(wrong).toEqual([{ topic, kind: 'wrong', problems: [expect.stringMatching(problem)] }])
  })

  test('what its owner may change is not wrong', () => {
    const found = cluster()
    setting(found, 'card-outcomes', 'retention.ms', '1000')
    setting(found, 'onfile-decide-changelog', 'delete.retention.ms', String(7 * 86_400_000))
    change(found, 'onfile-dlq', { partitions: 1, replicationFactor: 1 })
    expect(new Set(compareTopics(configOf(), found).map(({ kind }) => kind))).toEqual(new Set(['right']))
  })

  test('a configured count is the one that must be there', () => {
    const wrong = compareTopics(configOf({ ONFILE_TOPICS_PARTITIONS: '24' }), cluster(12)).filter(
      ({ kind }) => kind === 'wrong',
    )
    expect(wrong).toHaveLength(6)
  })

  test('one replica asks for one in sync', () => {
    const environment = { ONFILE_TOPICS_REPLICATION_FACTOR: '1' }
    const findings = compareTopics(configOf(environment), new Map())
    const outcomes = findings.find(({ topic }) => topic === 'card-outcomes')
    expect(outcomes).toMatchObject({ creation: { replicationFactor: 1 } })
    expect(compareTopics(configOf(environment), cluster(3, environment)).every(({ kind }) => kind === 'right')).toBe(
      true,
    )
  })
})
