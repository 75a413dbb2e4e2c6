import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { TopicKey } from '../../../src/config/topicNames.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { createTopics } from '../../support/topics.ts'

const PARTITIONS = 2

let run: OnfileRun
beforeAll(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: PARTITIONS,
  })
})
afterAll(() => run.close())

const wrongTopics: readonly {
  readonly what: string
  readonly key: TopicKey
  readonly setting: string
  readonly partitions: number
  readonly policy: string
  readonly says: RegExp
}[] = [
  {
    what: 'a changelog with another number of partitions than its input',
    key: 'decideChangelog',
    setting: 'ONFILE_TOPICS_DECIDE_CHANGELOG',
    partitions: PARTITIONS + 1,
    policy: 'compact',
    says: /PARTITIONS_MISMATCH.*has 3 partitions and .* has 2: they must be equal/,
  },
  {
    what: 'an output with another number of partitions',
    key: 'cardOutcomes',
    setting: 'ONFILE_TOPICS_CARD_OUTCOMES',
    partitions: PARTITIONS + 2,
    policy: 'delete',
    says: /PARTITIONS_MISMATCH.*has 4 partitions and .* has 2: they must be equal/,
  },
  {
    what: 'a changelog whose records are deleted by age',
    key: 'decideChangelog',
    setting: 'ONFILE_TOPICS_DECIDE_CHANGELOG',
    partitions: PARTITIONS,
    policy: 'delete',
    says: /CHANGELOG_NOT_COMPACTED.*has cleanup\.policy delete, not compact.*administers the cluster/,
  },
  {
    what: 'a changelog that is compacted and deleted by age',
    key: 'provisionChangelog',
    setting: 'ONFILE_TOPICS_PROVISION_CHANGELOG',
    partitions: PARTITIONS,
    policy: 'compact,delete',
    says: /CHANGELOG_NOT_COMPACTED.*has cleanup\.policy compact,delete/,
  },
]

it.each(wrongTopics)(
  '$what ends a start with 78 and its reason',
  async ({ key, setting, partitions, policy, says }) => {
    const topic = `${run.topics[key]}-${partitions}-${policy.replace(',', '-')}`
    await createTopics(inject('brokers'), [
      { topic, numPartitions: partitions, configEntries: [{ name: 'cleanup.policy', value: policy }] },
    ])
    const product = run.start({
      [setting]: topic,
      ONFILE_STATE_DIR: join(run.stateDirectory, topic),
      ONFILE_REGISTRY_AUTO_REGISTER: 'true',
    })
    expect(await Promise.race([product.exited, wait(60_000, 'still there')]), product.lastWords()).toBe(78)
    const log = product.log().toString('utf8')
    expect(
      log.split('\n').filter(line => line.includes('"level":"fatal"')),
      log,
    ).toHaveLength(1)
    expect(log).toMatch(says)
  },
)
