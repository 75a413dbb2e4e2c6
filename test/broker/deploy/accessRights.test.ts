import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs'
import type { AclEntry } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { connectClusterTopics } from '../../../src/cli/clusterTopics.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { accessRights, planningRights } from '../../../src/config/accessRights.ts'
import type { AccessRight } from '../../../src/config/accessRights.ts'
import type { Role } from '../../../src/config/schema.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { startSecuredKafka } from '../../support/securedKafka.ts'
import type { SecuredKafka } from '../../support/securedKafka.ts'
import { testClient } from '../../support/topics.ts'

/** One right less than a role needs: the user who has the others, and what is said of it. */
interface Taken {
  readonly user: string
  readonly role: Role
  readonly without: AccessRight
}

const ROLES: readonly Role[] = ['ingest', 'decide', 'provision', 'switcher']
/** More than there are rights of one role. */
const MAX_RIGHTS = 12
const takenUsers = ROLES.flatMap(role => Array.from({ length: MAX_RIGHTS }, (_, index) => `${role}-less-${index}`))

let kafka: SecuredKafka
let run: OnfileRun
let directory: string
beforeAll(async () => {
  kafka = await startSecuredKafka({
    users: ['processor', 'provisioner', 'bootstrap', ...ROLES, ...takenUsers],
    authorizes: true,
  })
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

/** Of the run: its topics, its application id. */
function config() {
  return { application: { id: run.id }, topics: { ...run.topics, partitions: null, replicationFactor: 1 } }
}

async function grant(rights: ReadonlyMap<string, readonly AccessRight[]>): Promise<void> {
  const admin = testClient(kafka.plainBrokers).admin()
  await admin.connect()
  await admin.createAcls({ acl: [...rights].flatMap(([user, given]) => acls(user, given)) })
  await admin.disconnect()
}

/** Runs a command in this process as that user. */
async function onfile(command: string, user: string, roles: readonly Role[]): Promise<{ code: number; out: string }> {
  const lines: string[] = []
  const line = (text: string) => lines.push(text)
  const code = await runProgram(command.split(' '), {
    run: () => Promise.reject(new Error('no roles here')),
    connectTopicAdmin: connectClusterTopics,
    openOrderDesk: () => Promise.reject(new Error('no orders here')),
    readStory: () => Promise.reject(new Error('no stories here')),
    writeSwitch: () => Promise.reject(new Error('no switch here')),
    leaveGroups: () => Promise.reject(new Error('no groups here')),
    environment: { ONFILE_CONFIG: '/dev/null', ...run.environment(settingsOf(user, roles)) },
    terminal: { out: line, err: line },
    oneShotDeadlineMs: 30_000,
  })
  return { code, out: lines.join('\n') }
}

function start(user: string, roles: readonly Role[]): ProductProcess {
  return run.start(settingsOf(user, roles))
}

function settingsOf(user: string, roles: readonly Role[]): Record<string, string> {
  return {
    ONFILE_ROLES: roles.join(','),
    ONFILE_STATE_DIR: join(directory, user),
    ONFILE_KAFKA_BROKERS: kafka.brokers,
    ONFILE_KAFKA_SSL_ENABLED: 'true',
    ONFILE_KAFKA_SSL_CA_FILE: join(directory, 'ca.pem'),
    ONFILE_KAFKA_SASL_MECHANISM: 'plain',
    ONFILE_KAFKA_SASL_USERNAME: user,
    ONFILE_KAFKA_SASL_PASSWORD: kafka.password,
  }
}

describe("the rights of docs/access.md, at Kafka's own authorizer", () => {
  it('are what the two workloads need', async () => {
    const workloads: readonly [user: string, roles: readonly Role[]][] = [
      ['processor', ['ingest', 'decide']],
      ['provisioner', ['provision']],
    ]
    await grant(new Map(workloads.map(([user, roles]) => [user, accessRights(config(), roles)])))
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

  it('are enough for onfile check of each role, which says what it could not look at', async () => {
    await grant(new Map(ROLES.map(role => [role, accessRights(config(), [role])])))
    for (const role of ROLES) {
      let last = { code: -1, out: '' }
      // The authorizer hears of new rights a moment later.
      await expect.poll(async () => (last = await onfile('check', role, [role])).code, { timeout: 40_000 }).toBe(0)
      expect(last.out).toContain(`✓ rights: those of ${role} are granted`)
      expect(last.out).toMatch(/✓ topic settings: not looked at for .*DESCRIBE_CONFIGS/)
    }
  }, 240_000)

  it('are missed by onfile check, each by its name', async () => {
    const cases = ROLES.flatMap(role =>
      accessRights(config(), [role]).map((without, index): Taken => ({ user: `${role}-less-${index}`, role, without })),
    )
    await grant(
      new Map(
        cases.map(({ user, role, without }) => [
          user,
          accessRights(config(), [role]).filter(right => JSON.stringify(right) !== JSON.stringify(without)),
        ]),
      ),
    )
    // The last of them: then the authorizer knows the others too.
    await expect
      .poll(async () => (await onfile('check', cases.at(-1)!.user, [cases.at(-1)!.role])).out, { timeout: 40_000 })
      .toContain('✗ right')
    for (const { user, role, without } of cases) {
      const { code, out } = await onfile('check', user, [role])
      expect([user, code], out).toEqual([user, 78])
      const wrong = out.split('\n').filter(line => line.startsWith('✗'))
      expect(wrong, out).toHaveLength(1)
      expect(
        wrong.every(line => line.includes(without.name) && line.includes('whoever administers the cluster')),
        `${user} is told of ${without.name} alone:\n${out}`,
      ).toBe(true)
    }
  }, 240_000)

  it('are missed by a process that runs: each ends it with 78 or stands in /readyz, by its name', async () => {
    // The users of the test before; DECIDE has every kind of right.
    const rights = accessRights(config(), ['decide'])
    for (const [index, { name }] of rights.entries()) {
      const process = start(`decide-less-${index}`, ['decide'])
      const told = async (): Promise<string> => {
        if (process.alive) return (await process.readyz().catch(() => ({ reasons: [] as string[] }))).reasons.join('; ')
        return (await process.exited) === 78 ? process.lastWords() : `ended with ${await process.exited}`
      }
      await expect.poll(told, { timeout: 60_000, message: `${name}\n${process.lastWords()}` }).toContain(name)
      expect(await told(), name).toMatch(/AUTHORIZATION_FAILED.*must grant/s)
      await process.kill('SIGKILL')
    }
  }, 400_000)

  it('of the bootstrap Job are enough for topics plan and topics apply', async () => {
    const missing = `${run.id}-new-dlq`
    const wanted = { ...config(), topics: { ...config().topics, dlq: missing } }
    await grant(new Map([['bootstrap', planningRights(wanted, 'apply')]]))
    const withNew = async (command: string) => {
      const before = run.settings
      run.settings = { ...before, ONFILE_TOPICS_DLQ: missing }
      try {
        return await onfile(command, 'bootstrap', ['decide'])
      } finally {
        run.settings = before
      }
    }
    await expect.poll(async () => (await withNew('topics plan')).out, { timeout: 40_000 }).toContain(`+ ${missing}`)
    const applied = await withNew('topics apply')
    expect(applied.code, applied.out).toBe(0)
    expect(applied.out).toContain(`created ${missing}`)
    expect(applied.out).not.toContain('not looked at')
    const planned = await withNew('topics plan')
    expect(planned.code, planned.out).toBe(0)
  }, 120_000)
})
