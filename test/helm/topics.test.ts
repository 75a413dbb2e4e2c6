import { describe, expect, inject, test } from 'vitest'
import { accessRights, planningRights } from '../../src/config/accessRights.ts'
import { loadConfig } from '../../src/config/load.ts'
import { compareTopics } from '../../src/config/topicPlan.ts'
import type { FoundTopic } from '../../src/config/topicPlan.ts'
import { ciFile, render } from './chart.ts'
import type { Manifest } from './chart.ts'

const helm = inject('helm')

interface TopicSpec {
  readonly topicName: string
  readonly partitions: number
  readonly replicas: number
  readonly config: Readonly<Record<string, string>>
}

async function strimziTopics(values: object = {}): Promise<ReadonlyMap<string, FoundTopic>> {
  const rendering = await render(helm, [ciFile('strimzi')], values)
  if (rendering.refusal !== null) throw new Error(rendering.refusal)
  const specs = rendering.manifests
    .filter(({ kind }) => kind === 'KafkaTopic')
    .map(({ spec }) => spec as unknown as TopicSpec)
  return new Map(
    specs.map(({ topicName: name, partitions, replicas, config }) => [
      name,
      { name, partitions, replicationFactor: replicas, settings: new Map(Object.entries(config)) },
    ]),
  )
}

describe.runIf(helm !== '')('KafkaTopics of the chart', () => {
  test.each([
    ['with three replicas', {}, {}],
    ['with one', { config: { topics: { replicationFactor: 1 } } }, { ONFILE_TOPICS_REPLICATION_FACTOR: '1' }],
  ])('%s are the ones that `onfile topics plan` finds right', async (_what, values, more) => {
    const environment = {
      ONFILE_APPLICATION_ID: 'cards',
      ONFILE_TOPICS_PARTITIONS: '6',
      ONFILE_TOPICS_DLQ: 'cards.dead.letters',
      ...more,
    }
    const findings = compareTopics(loadConfig({ environment }, 'print'), await strimziTopics(values))
    const issuers = ['card-lifecycle', 'knot-events']
    expect(findings.filter(({ kind, topic }) => kind !== 'right' && !issuers.includes(topic))).toEqual([])
    expect(findings.length).toBeGreaterThan(issuers.length + 7)
  })
})

interface UserSpec {
  readonly authorization: {
    readonly acls: readonly {
      readonly resource: { readonly type: string; readonly name: string; readonly patternType: string }
      readonly operations: readonly string[]
    }[]
  }
}

describe.runIf(helm !== '')('KafkaUsers of the chart', () => {
  test.each([
    ['r-onfile-processor', ['ingest', 'decide']],
    ['r-onfile-provisioner', ['provision']],
  ] as const)('%s has the rights of docs/access.md', async (name, roles) => {
    const rendering = await render(helm, [ciFile('strimzi')])
    if (rendering.refusal !== null) throw new Error(rendering.refusal)
    const user = rendering.manifests.find(({ kind, metadata }) => kind === 'KafkaUser' && metadata.name === name)!
    const { acls } = (user.spec as unknown as UserSpec).authorization
    const given = acls.map(({ resource, operations }) => ({
      resource: resource.type === 'transactionalId' ? 'transactional id' : resource.type,
      name: resource.name,
      pattern: resource.patternType === 'prefix' ? 'prefixed' : 'literal',
      operations: operations.map(operation => operation.toUpperCase()),
    }))
    const environment = { ONFILE_APPLICATION_ID: 'cards', ONFILE_TOPICS_DLQ: 'cards.dead.letters' }
    const needed = accessRights(loadConfig({ environment }, 'print'), roles)
    expect(sorted(given)).toEqual(sorted(needed))
  })
})

describe.runIf(helm !== '')('the KafkaUser of the bootstrap Job', () => {
  test.each([
    ['verify', 'plan'],
    ['apply', 'apply'],
  ] as const)('has in mode %s the rights of `onfile topics %s`', async (mode, command) => {
    const values = { bootstrap: { mode }, strimzi: { topics: false } }
    const user = await bootstrapUser(values)
    const given = (user!.spec as unknown as UserSpec).authorization.acls.map(({ resource, operations }) => ({
      resource: resource.type,
      name: resource.name,
      pattern: resource.patternType,
      operations: operations.map(operation => operation.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()),
    }))
    const environment = { ONFILE_APPLICATION_ID: 'cards', ONFILE_TOPICS_DLQ: 'cards.dead.letters' }
    expect(sorted(given)).toEqual(sorted(planningRights(loadConfig({ environment }, 'print'), command)))
  })

  test('is not there where no Job is', async () => {
    expect(await bootstrapUser({})).toBeUndefined()
  })
})

async function bootstrapUser(values: object): Promise<Manifest | undefined> {
  const rendering = await render(helm, [ciFile('strimzi')], values)
  if (rendering.refusal !== null) throw new Error(rendering.refusal)
  return rendering.manifests.find(
    ({ kind, metadata }) => kind === 'KafkaUser' && metadata.name === 'r-onfile-bootstrap',
  )
}

function sorted<T extends { readonly resource: string; readonly name: string }>(rights: readonly T[]): T[] {
  return rights.toSorted((one, other) => `${one.resource} ${one.name}`.localeCompare(`${other.resource} ${other.name}`))
}
