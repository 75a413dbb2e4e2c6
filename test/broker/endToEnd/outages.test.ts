import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import avsc from 'avsc'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import type { LifecycleFields } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { registerSchema } from '../../support/onfile/registrySchemas.ts'
import { openDoor } from '../../support/onfile/tcpDoor.ts'
import type { TcpDoor } from '../../support/onfile/tcpDoor.ts'
import { until } from '../../support/onfile/until.ts'
import { framed } from './badRecords.ts'

/** How long an outage lasts once it shows: several tries of the product fall into it. */
const OUTAGE_MS = 1_500
const MERCHANTS = [16, 44]

let run: OnfileRun
let product: ProductProcess
let doors: Record<'registry' | 'vault' | 'directory' | 'knot', TcpDoor>
let users = 0

const portOf = (url: string): number => Number(new URL(url).port)

beforeAll(async () => {
  run = await OnfileRun.create({ brokers: inject('brokers'), registryUrl: inject('registryUrl'), partitions: 2 })
  doors = {
    registry: await openDoor(portOf(inject('registryUrl'))),
    vault: await openDoor(portOf(run.vault.url)),
    directory: await openDoor(portOf(run.vault.url)),
    knot: await openDoor(portOf(run.knot.url)),
  }
  run.settings = {
    ONFILE_REGISTRY_URL: doors.registry.url(inject('registryUrl')),
    ONFILE_VAULT_URL: doors.vault.url(run.vault.url),
    ONFILE_DIRECTORY_URL: doors.directory.url(run.vault.url),
    // At another port than the vault: the vault's own token is not shown to it.
    ONFILE_DIRECTORY_TOKEN: run.vault.token,
    ONFILE_KNOT_URL: doors.knot.url(run.knot.url),
    // Nothing may end because it took long.
    ONFILE_POLICY_RESULT_SOFT: '5m',
    ONFILE_POLICY_RESULT_HARD: '10m',
  }
  product = run.start()
  await product.ready()
})
afterAll(async () => {
  await run.close()
  for (const door of Object.values(doors)) await door.close()
})

/** A new user with two merchants, and an update of their card. */
async function updateSomebody(partition: number, more: Partial<LifecycleFields> = {}): Promise<string> {
  const userId = `user-${users}`
  const cardRef = run.addUser(userId, users++, MERCHANTS)
  await run.sendLifecycle({ partition, value: lifecycleEvent({ cardRef, type: 'updated', userId, ...more }) })
  return userId
}

/** `/readyz` says it, and that the process is ready all the same: a restart would help nobody. */
async function untilNoticed(pattern: RegExp): Promise<void> {
  let last: readonly string[] = []
  await until(run, `a notice like ${pattern.source}`, async () => {
    const { state, notices } = await product.readyz()
    last = notices
    return state === 'ready' && notices.some(notice => pattern.test(notice))
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}\nnotices: ${last.join('; ')}`)
  })
}

/** After the end: Knot has the cards, and `/readyz` has nothing left to say. */
async function untilServed(...userIds: string[]): Promise<void> {
  for (const userId of userIds) {
    await until(run, `${userId} is served`, () => run.knot.pushes(userId).filter(({ landed }) => landed).length === 2)
  }
  await until(run, 'no notice is left', async () => (await product.readyz()).notices.length === 0)
}

/** The outage of something that PROVISION calls. */
const provisionOutages: readonly {
  readonly what: string
  readonly begin: () => Promise<void> | void
  readonly end: () => Promise<void> | void
  readonly notice: RegExp
  /** Reason in `onfile_paused`, where it is a pause. */
  readonly paused?: string
}[] = [
  {
    what: 'the vault answers 503',
    begin: () => run.vault.setOutage(true),
    end: () => run.vault.setOutage(false),
    notice: /^provision: waits since .*card vault/,
  },
  {
    what: 'the vault is gone',
    begin: () => doors.vault.close(),
    end: () => doors.vault.open(),
    notice: /^provision: waits since .*card vault/,
  },
  {
    what: 'Knot answers 503',
    begin: () => run.knot.setOutage({ status: 503 }),
    end: () => run.knot.setOutage(null),
    notice: /^provision: waits since .*Knot/,
  },
  {
    what: 'Knot is gone',
    begin: () => doors.knot.close(),
    end: () => doors.knot.open(),
    notice: /^provision: waits since .*Knot/,
  },
  {
    what: 'Knot refuses the credentials (401)',
    begin: () => run.knot.setOutage({ status: 401 }),
    end: () => run.knot.setOutage(null),
    notice: /^provision: paused since .*knot_unauthorized/,
    paused: 'knot_unauthorized',
  },
  {
    what: 'Knot refuses pushes (403)',
    begin: () => run.knot.denyAccess(true),
    end: () => run.knot.denyAccess(false),
    notice: /^provision: paused since .*knot_forbidden/,
    paused: 'knot_forbidden',
  },
]

describe('an outage is waited for and shown, drops nothing and burns no attempt', { retry: 0 }, () => {
  it.each(provisionOutages)('$what', async ({ begin, end, notice, paused }) => {
    await begin()
    const userIds = [await updateSomebody(0), await updateSomebody(1)]
    await untilNoticed(notice)
    if (paused !== undefined) expect(await product.metric('onfile_paused', `reason="${paused}"`)).toBe(1)
    await wait(OUTAGE_MS)
    expect(userIds.flatMap(userId => run.knot.pushes(userId)).some(({ landed }) => landed)).toBe(false)
    await end()
    await untilServed(...userIds)
    expect(await product.metric('onfile_paused')).toBe(0)
  })

  it('the directory is gone: only what it must be asked for waits', async () => {
    await doors.directory.close()
    const nameless = `user-${users}`
    const cardRef = run.addUser(nameless, users++, MERCHANTS)
    await run.sendLifecycle({ partition: 0, value: lifecycleEvent({ cardRef, type: 'updated' }) })
    await untilNoticed(new RegExp(`^ingest ${run.topics.cardLifecycle}-0: waits since .*directory`))
    const named = await updateSomebody(1)
    await until(run, 'the other partition goes on', () => run.knot.pushes(named).length === MERCHANTS.length)
    await wait(OUTAGE_MS)
    expect(run.knot.pushes(nameless)).toEqual([])
    await doors.directory.open()
    await untilServed(nameless, named)
  })

  it('the registry is gone: only what needs a new schema waits', async () => {
    const schema = {
      type: 'record',
      name: `Event${users}`,
      fields: [
        { name: 'event_uid', type: 'string' },
        { name: 'user_id', type: 'string' },
        {
          name: 'data',
          type: {
            type: 'record',
            name: 'Card',
            fields: ['id', 'type', 'updated_at'].map(name => ({ name, type: 'string' })),
          },
        },
      ],
    }
    const id = await registerSchema(inject('registryUrl'), `${run.id}-issuer`, 'AVRO', JSON.stringify(schema))
    await doors.registry.close()
    const inAvro = `user-${users}`
    const cardRef = run.addUser(inAvro, users++, MERCHANTS)
    const event = {
      event_uid: randomUUID(),
      user_id: inAvro,
      data: { id: cardRef, type: 'updated', updated_at: new Date().toISOString() },
    }
    const value = framed(id, avsc.Type.forSchema(schema as avsc.Schema).toBuffer(event))
    await run.sendLifecycle({ partition: 0, value })
    await untilNoticed(new RegExp(`^ingest ${run.topics.cardLifecycle}-0: waits since .*(registry|schema)`, 'i'))
    const inJson = await updateSomebody(1)
    await until(run, 'the other partition goes on', () => run.knot.pushes(inJson).length === MERCHANTS.length)
    await wait(OUTAGE_MS)
    expect(run.knot.pushes(inAvro)).toEqual([])
    await doors.registry.open()
    await untilServed(inAvro, inJson)
  })

  it.each(['registry', 'Kafka'] as const)('%s is gone at the start: it waits and says so in /startupz', async what => {
    const kafka = await openDoor(Number(inject('brokers').split(',')[0]!.split(':')[1]))
    const door = what === 'Kafka' ? kafka : doors.registry
    await door.close()
    const second = run.start({
      ONFILE_KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
      ONFILE_STATE_DIR: join(run.stateDirectory, what),
    })
    await until(run, 'its wait shows', async () => {
      const answer = await second.startupz().catch(() => null)
      return (
        answer?.state === 'starting' &&
        answer.reasons.some(reason => reason.includes(`waits for`) && reason.includes(what))
      )
    })
    await door.open()
    await second.ready()
    expect(await second.kill('SIGTERM')).toBe(0)
    await kafka.close()
  })

  it('and after all of them every update is done, in its first attempt, and nothing is a dead letter', async () => {
    const { outcomes, deadLetters } = await run.expectExact()
    expect(deadLetters).toEqual([])
    expect(users).toBeGreaterThanOrEqual(2 * (provisionOutages.length + 2))
    for (let index = 0; index < users; index++) {
      const ends = outcomes.filter(({ value }) => value.user_id === `user-${index}` && value.final)
      expect(ends.map(({ value }) => [value.merchant_id, value.status, value.attempt]).sort(), `user-${index}`).toEqual(
        MERCHANTS.map(merchantId => [merchantId, 'UPDATED', 1]),
      )
    }
  })
})
