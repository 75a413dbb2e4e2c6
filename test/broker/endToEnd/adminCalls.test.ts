import type { Message } from 'kafkajs'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { testCard } from '../../../sandbox/people.ts'
import { partitionForKey } from '../../../src/kafka/partitioner.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { until } from '../../support/onfile/until.ts'

const PARTITIONS = 4
const USERS = 40
const MERCHANTS = [10, 16]
const TOKEN = 'e2e-admin-token-of-forty-characters-long'
const who = { actor: 'jo', reason: 'INC-7' }
const LOOK = '?actor=jo&reason=INC-7'

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: PARTITIONS,
    settings: {
      ONFILE_ADMIN_TOKEN: TOKEN,
      ONFILE_POLICY_RESULT_SOFT: '20s',
      ONFILE_POLICY_RESULT_HARD: '60s',
    },
  })
  for (let index = 0; index < USERS; index++) run.addUser(`user-${index}`, index, MERCHANTS)
})
afterEach(() => run.close())

const usersOf = (partition: number) =>
  Array.from({ length: USERS }, (_, index) => `user-${index}`).filter(
    userId => partitionForKey(Buffer.from(userId), PARTITIONS) === partition,
  )

let sent = 0
/** One update of each user. */
async function wave(): Promise<void> {
  const number = ++sent
  const messages = Array.from({ length: USERS }, (_, index): Message => {
    const userId = `user-${index}`
    const event = { cardRef: `card-${userId}`, type: 'updated', userId, uid: `${userId}-${number}` }
    run.vault.reissue(event.cardRef, testCard(index + 1_000 * number))
    return { key: event.cardRef, value: lifecycleEvent({ ...event, updatedAtMs: Date.now() }) }
  })
  await run.sendLifecycle(...messages)
}

const ofUserEvents = () => `role="decide",topic="${run.topics.userEvents}"`
const decideLag = (product: ProductProcess, partition: number) =>
  product.metric('onfile_consumer_lag_records', `${ofUserEvents()},partition="${partition}"`)

it('a paused partition of DECIDE lags alone, and catches up exactly once', { retry: 0, timeout: 240_000 }, async () => {
  const product = run.start()
  await product.ready()
  await wave()
  await until(run, 'the first wave is pushed', () => run.knot.pushes().length > 0)

  const asked = { role: 'decide', partition: 1, for: '10m', ...who }
  expect(await product.admin('POST', '/pause', { token: null, body: asked })).toMatchObject({ status: 401 })
  expect(await product.metric('onfile_task_paused')).toBe(0)
  const paused = await product.admin('POST', '/pause', { token: TOKEN, body: asked })
  expect(paused).toMatchObject({ status: 200, body: { pausedHere: [{ topic: run.topics.userEvents, partition: 1 }] } })
  const position = () => product.metric('onfile_consumer_position', `${ofUserEvents()},partition="1"`)
  let stoodAt = -1
  await until(run, 'it stands', async () => {
    const before = stoodAt
    await new Promise(resolve => setTimeout(resolve, 500))
    stoodAt = await position()
    return before === stoodAt
  })
  await wave()
  await wave()
  await until(run, 'its lag grows', async () => (await decideLag(product, 1)) >= usersOf(1).length)
  await until(run, 'the others go on', async () => {
    const lags = await Promise.all([0, 2, 3].map(partition => decideLag(product, partition)))
    return lags.every(lag => lag === 0)
  })
  await until(run, 'all of it waits', async () => (await decideLag(product, 1)) >= 2 * usersOf(1).length)
  expect(await position()).toBe(stoodAt)
  expect(await product.metric('onfile_task_paused', 'partition="1"')).toBe(1)
  expect(await product.metric('onfile_task_paused')).toBe(1)
  const ready = await product.readyz()
  expect(ready.state).toBe('ready')
  expect(ready.notices.join('\n')).toMatch(/decide .*-user-events-1: paused by an operator .*: INC-7/)
  expect(JSON.stringify(ready)).not.toContain('"jo"')

  const ended = await product.admin('POST', '/resume', { token: TOKEN, body: { role: 'decide', ...who } })
  expect(ended).toMatchObject({ status: 200, body: { ended: [{ partition: 1, reason: 'INC-7' }], pausedHere: [] } })
  await run.expectExact(60_000)
  expect(await decideLag(product, 1)).toBe(0)
  const log = product.log().toString('utf8')
  expect(log).toMatch(/"admin":"pause".*"actor":"jo","reason":"INC-7"/)
  expect(log).not.toContain(TOKEN)
})

it(
  'a paused PROVISION ends the pushes that were out, and strands none that waited',
  { retry: 0, timeout: 240_000 },
  async () => {
    const product = run.start({ ONFILE_KNOT_CONCURRENCY: '4' })
    for (let index = 0; index < USERS; index++) {
      run.knot.script(`user-${index}`, 10, { http: { kind: 'hold', holdMs: 1_500 } })
    }
    await product.ready()
    await wave()
    const waiting = () => product.metric('onfile_provision_waiting', 'kind="push"')
    await until(run, 'many wait behind some', async () => (await waiting()) >= 20 && run.knot.pushes().length > 0)
    await product.admin('POST', '/pause', { token: TOKEN, body: { role: 'provision', ...who } })
    const calls = () => product.metric('onfile_effects_in_flight', 'role="provision"')
    await until(run, 'what was out has ended', async () => (await calls()) === 0)
    const pushes = run.knot.pushes().length
    expect(await product.metric('onfile_provision_open_commands')).toBeGreaterThanOrEqual(16)
    await until(run, 'DECIDE has heard of it', async () => {
      const lags = await Promise.all([0, 1, 2, 3].map(partition => decideLag(product, partition)))
      return lags.every(lag => lag === 0)
    })
    expect(run.knot.pushes()).toHaveLength(pushes)
    await product.admin('POST', '/resume', { token: TOKEN, body: { role: 'provision', ...who } })
    const { commands } = await run.expectExact(60_000)
    expect(commands.length).toBeGreaterThanOrEqual(USERS * MERCHANTS.length)
  },
)

it(
  'a user is shown by the instance that has the partition; the others say which that is',
  { retry: 0, timeout: 240_000 },
  async () => {
    const start = (name: string) =>
      run.start({
        ONFILE_STATE_DIR: `${run.stateDirectory}/${name}`,
        ONFILE_KAFKA_GROUP_INSTANCE_ID: name,
        ...(name === 'pod-b' ? { ONFILE_ADMIN_ADVERTISED_URL: 'http://pod-b.example:9400' } : {}),
      })
    const [a, b] = [start('pod-a'), start('pod-b')]
    await Promise.all([a.ready(), b.ready()])
    const partitionsOf = async (product: ProductProcess) => {
      const decide = (await product.readyz()).roles.find(({ role }) => role === 'decide')
      return (decide?.tasks ?? []).flatMap(({ state, partition }) => (state === 'running' ? [partition] : []))
    }
    await until(run, 'each has its half', async () => {
      const halves = await Promise.all([a, b].map(partitionsOf))
      return halves.every(half => half.length === PARTITIONS / 2)
    })
    await wave()
    await run.expectExact(60_000)
    const ofA = usersOf((await partitionsOf(a))[0]!)[0]!
    const ofB = usersOf((await partitionsOf(b))[0]!)[0]!

    const shown = await a.admin('GET', `/users/${ofA}${LOOK}`, { token: TOKEN })
    expect(shown).toMatchObject({
      status: 200,
      body: { user_id: ofA, kind: 'known', user: { cards: [{ card_ref: `card-${ofA}`, version: 1 }] } },
    })
    expect(shown.body.merchants).toMatchObject(MERCHANTS.map(id => ({ merchant_id: id, last: { status: 'UPDATED' } })))
    for (let index = 0; index < USERS; index++) {
      expect(JSON.stringify(shown.body)).not.toContain(testCard(index + 1_000 * sent).number)
    }
    expect(await a.admin('GET', `/users/${ofA}${LOOK}`, { token: null })).toMatchObject({ status: 401 })
    expect(await a.admin('GET', `/users/${ofA}${LOOK}`, { token: `${TOKEN}s` })).toMatchObject({ status: 401 })

    expect(await b.admin('GET', `/users/${ofA}${LOOK}`, { token: TOKEN })).toMatchObject({
      status: 421,
      body: { code: 'USER_ELSEWHERE', owner: { instanceId: 'pod-a', adminUrl: null } },
    })
    expect(await a.admin('GET', `/users/${ofB}${LOOK}`, { token: TOKEN })).toMatchObject({
      status: 307,
      location: `http://pod-b.example:9400/admin/users/${ofB}${LOOK}`,
    })
  },
)
