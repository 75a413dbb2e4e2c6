import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs'
import type { AclEntry } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { accessRights } from '../../../src/config/accessRights.ts'
import type { AccessRight } from '../../../src/config/accessRights.ts'
import type { Role } from '../../../src/config/schema.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { startSecuredKafka } from '../../support/securedKafka.ts'
import type { SecuredKafka } from '../../support/securedKafka.ts'
import { testClient } from '../../support/topics.ts'

let kafka: SecuredKafka
let run: OnfileRun
let directory: string
beforeAll(async () => {
  kafka = await startSecuredKafka({ users: ['processor', 'provisioner'], authorizes: true })
  run = await OnfileRun.create({ brokers: kafka.plainBrokers, registryUrl: inject('registryUrl') })
  directory = mkdtempSync(join(tmpdir(), 'onfile-rights-'))
  writeFileSync(join(directory, 'ca.pem'), kafka.ca)
})
afterAll(async () => {
  await run.close()
  await kafka.stop()
  rmSync(directory, { recursive: true, force: true })
})

const RESOURCES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional id': AclResourceTypes.TRANSACTIONAL_ID,
}

function acls(user: string, rights: readonly AccessRight[]): AclEntry[] {
  return rights.flatMap(({ resource, name, pattern, operations }) =>
    operations.map(operation => ({
      resourceType: RESOURCES[resource],
      resourceName: name,
      resourcePatternType: pattern === 'literal' ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.PREFIXED,
      principal: `User:${user}`,
      host: '*',
      operation: AclOperationTypes[operation],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  )
}

function start(user: string, roles: readonly Role[]): ProductProcess {
  return run.start({
    ONFILE_ROLES: roles.join(','),
    ONFILE_STATE_DIR: join(directory, user),
    ONFILE_KAFKA_BROKERS: kafka.brokers,
    ONFILE_KAFKA_SSL_ENABLED: 'true',
    ONFILE_KAFKA_SSL_CA_FILE: join(directory, 'ca.pem'),
    ONFILE_KAFKA_SASL_MECHANISM: 'plain',
    ONFILE_KAFKA_SASL_USERNAME: user,
    ONFILE_KAFKA_SASL_PASSWORD: kafka.password,
  })
}

describe("the rights of docs/access.md, at Kafka's own authorizer", () => {
  it('are what the two workloads need', async () => {
    const config = {
      application: { id: run.id },
      topics: { ...run.topics, partitions: null, replicationFactor: 1 },
    }
    const workloads: readonly [user: string, roles: readonly Role[]][] = [
      ['processor', ['ingest', 'decide']],
      ['provisioner', ['provision']],
    ]
    const admin = testClient(kafka.plainBrokers).admin()
    await admin.connect()
    for (const [user, roles] of workloads) await admin.createAcls({ acl: acls(user, accessRights(config, roles)) })
    await admin.disconnect()
    const processes = workloads.map(([user, roles]) => start(user, roles))
    await Promise.all(processes.map(process => process.ready()))
    const cards = ['a', 'b', 'c'].map((userId, index) => run.addUser(`user-${userId}`, index, [10, 12]))
    await run.sendLifecycle(
      ...cards.map(cardRef => ({ key: cardRef, value: lifecycleEvent({ cardRef, type: 'updated' }) })),
      { key: 'x', value: 'no event at all' },
    )
    const evidence = await run.expectExact()
    expect(run.knot.pushes()).toHaveLength(cards.length * 2)
    expect(Object.keys(evidence).length).toBeGreaterThan(0)
    for (const process of processes) expect(await process.kill('SIGTERM')).toBe(0)
  }, 240_000)

  it('are needed: a user without them gets nothing done, and /readyz says why', async () => {
    const stranger = start(kafka.username, ['decide'])
    const reasons = async (): Promise<string> => (await stranger.readyz()).reasons.join('; ')
    await expect.poll(() => reasons().catch(String), { timeout: 60_000 }).toMatch(/authoriz/i)
    await stranger.kill('SIGKILL')
  })
})
