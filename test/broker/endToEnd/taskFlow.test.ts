import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import type { CardOutcome } from '../../../src/domain/records.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { OperatorTerminal } from '../../support/onfile/operatorTerminal.ts'
import { until } from '../../support/onfile/until.ts'

const MERCHANT = 16
const BACKLOG = 20_000

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    settings: { ONFILE_POLICY_RESULT_SOFT: '20s', ONFILE_POLICY_RESULT_HARD: '60s' },
  })
})
afterEach(() => run.close())

/** SWITCHER in a process of its own. */
const switcher = (name = 'switcher') =>
  run.start({ ONFILE_ROLES: 'switcher', ONFILE_STATE_DIR: `${run.stateDirectory}/${name}` })

/** A user who has a card and has not linked anything yet. */
const addUser = (userId: string, index: number) => run.addUser(userId, index, [])
/** The user links the merchant in the issuer's app, and Knot waits for the card. */
const link = (userId: string) =>
  run.knot.link({ userId, merchantId: MERCHANT, cardId: `card-${userId}`, announce: true, sendCard: true })

const taskPushes = () => run.knot.pushes().filter(({ taskId }) => taskId !== null)

/** The outcomes of pushes of tasks, by user. */
async function told(): Promise<Map<string, CardOutcome[]>> {
  const { outcomes } = await run.evidence()
  const byUser = new Map<string, CardOutcome[]>()
  for (const { value } of outcomes) {
    if (value.command_id?.startsWith('task:') !== true) continue
    byUser.set(value.user_id, [...(byUser.get(value.user_id) ?? []), value])
  }
  return byUser
}

const wordsOf = (outcomes: readonly CardOutcome[] | undefined) =>
  outcomes?.map(({ status, reason }) => `${status}/${reason}`)

it(
  'a card is sent within the window past a backlog of 20,000 records of everybody else, and its end is told',
  { retry: 0, timeout: 240_000 },
  async () => {
    const users = Array.from({ length: 40 }, (_, index) => `linker-${index}`)
    users.forEach((userId, index) => addUser(userId, index))
    // Nobody reads these before the links are over.
    for (let from = 0; from < BACKLOG; from += 2_000) {
      await run.sendLifecycle(
        ...Array.from({ length: 2_000 }, (_, index) => {
          const userId = `other-${from + index}`
          return { key: userId, value: lifecycleEvent({ cardRef: `card-${userId}`, type: 'enrolled', userId }) }
        }),
      )
    }
    const quick = switcher()
    await quick.ready()
    const others = run.start({ ONFILE_STATE_DIR: `${run.stateDirectory}/others` })
    await others.ready()
    const linkedAtMs = new Map<string, number>()
    for (const userId of users) {
      linkedAtMs.set(userId, Date.now())
      link(userId)
      await wait(50)
    }
    await until(run, 'all tasks are served', () => taskPushes().length >= users.length)
    await run.knot.settled()
    const pushes = taskPushes()
    const waitsMs = pushes.map(({ userId, atMs }) => atMs - linkedAtMs.get(userId!)!).sort((a, b) => a - b)
    const at = (share: number) => waitsMs[Math.min(waitsMs.length - 1, Math.floor(share * waitsMs.length))]!
    process.stdout.write(
      `AUTHENTICATED to POST /card beside ${BACKLOG} records: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${waitsMs.at(-1)!} ms\n`,
    )
    expect(pushes.map(({ userId }) => userId).sort()).toEqual([...users].sort())
    expect(pushes.every(({ landed }) => landed)).toBe(true)
    expect(waitsMs.at(-1)).toBeLessThan(15_000)

    await run.quiet(90_000)
    const outcomes = await told()
    for (const userId of users) expect(wordsOf(outcomes.get(userId)?.slice(-1)), userId).toEqual(['UPDATED/updated'])
    await run.expectExact(60_000)
  },
)

it('what it finds after its window is told as missed and never sent', { retry: 0, timeout: 240_000 }, async () => {
  addUser('late', 0)
  const all = run.start({ ONFILE_ROLES: 'ingest,decide,provision' })
  await all.ready()
  const first = switcher()
  await first.ready()
  await first.kill('SIGKILL')
  link('late')
  await wait(15_000)
  const second = switcher()
  await second.ready()
  await until(run, 'it is told', async () => (await all.metric('onfile_outcomes_total', 'reason="window_missed"')) > 0)
  expect(wordsOf((await told()).get('late'))).toEqual(['CANCELLED/window_missed'])
  expect(taskPushes()).toEqual([])
  expect(await second.metric('onfile_task_switches_total', 'result="missed"')).toBe(1)
})

it(
  'no task is served twice over kill -9 in the middle of pushes, a second delivery and a new owner',
  { retry: 0, timeout: 240_000 },
  async () => {
    const users = Array.from({ length: 24 }, (_, index) => `linker-${index}`)
    users.forEach((userId, index) => addUser(userId, index))
    const all = run.start({ ONFILE_ROLES: 'ingest,decide,provision' })
    await all.ready()
    // Knot takes each card at once and answers late: every kill finds pushes under way.
    for (const userId of users) run.knot.script(userId, MERCHANT, { http: { kind: 'hold', holdMs: 700 } })
    let victim = switcher('switcher-0')
    const beside = switcher('beside')
    await Promise.all([victim.ready(), beside.ready()])
    for (const [index, userId] of users.entries()) {
      link(userId)
      await wait(100)
      if (index % 8 !== 7) continue
      await victim.kill('SIGKILL')
      victim = switcher(`switcher-${index}`)
    }
    await run.knot.settled()
    // Copies of what Knot has sent, as a gateway writes them that did not hear of its own success.
    const { webhooks } = await run.evidence().then(({ inputs }) => ({ webhooks: inputs }))
    const copies = webhooks.filter(
      ({ topic, value }) => topic === run.topics.knotEvents && value?.includes('"AUTHENTICATED"'),
    )
    await run.producer.send({
      topic: run.topics.knotEvents,
      messages: copies.map(({ key, value }) => ({ key, value })),
    })
    await until(run, 'all are told', async () => (await told()).size >= users.length, 60_000)
    const perTask = Map.groupBy(taskPushes(), ({ taskId }) => taskId)
    expect([...perTask].filter(([, pushes]) => pushes.length > 1)).toEqual([])
    const outcomes = await told()
    const finals = users.map(
      userId =>
        outcomes
          .get(userId)
          ?.filter(({ final }) => final)
          .map(({ status }) => status) ?? [],
    )
    expect(finals.every(statuses => statuses.length === 1)).toBe(true)
  },
)

it(
  'nobody who has opted out is served, and nobody while an operator has paused pushes',
  { retry: 0, timeout: 240_000 },
  async () => {
    const terminal = new OperatorTerminal(run)
    for (const [index, userId] of ['gone', 'stopped', 'free'].entries()) addUser(userId, index)
    const all = run.start({ ONFILE_ROLES: 'ingest,decide,provision' })
    const quick = switcher()
    await Promise.all([all.ready(), quick.ready()])
    const outcome = async (reason: string) => (await all.metric('onfile_outcomes_total', `reason="${reason}"`)) > 0
    const served = (result: string) => quick.metric('onfile_task_switches_total', `result="${result}"`)

    const optOut = lifecycleEvent({ cardRef: 'card-gone', type: 'opt_out', userId: 'gone' })
    await run.sendLifecycle({ key: 'gone', value: optOut })
    await until(run, 'the opt-out is decided', () => outcome('opt_out'))
    await wait(2_000)
    link('gone')
    await until(run, 'it is stopped', async () => (await served('suppressed')) === 1)

    expect(await terminal.onfile('pause', '--reason', 'a drill')).toMatchObject({ code: 0 })
    await wait(2_000)
    link('stopped')
    await until(run, 'its window is over', async () => (await served('missed')) === 1)
    expect(taskPushes()).toEqual([])
    // SWITCHER shows its own stop and its own limits: PROVISION is in another process.
    expect(await quick.metric('onfile_paused', 'role="switcher",reason="operator"')).toBe(1)
    expect(await quick.metric('onfile_provision_limit', 'role="switcher",limit="concurrency"')).toBeGreaterThan(0)

    expect(await terminal.onfile('resume', '--reason', 'it is over')).toMatchObject({ code: 0 })
    await wait(2_000)
    link('free')
    await until(run, 'it is served', () => taskPushes().some(({ userId, landed }) => userId === 'free' && landed))
    expect(await quick.metric('onfile_paused', 'role="switcher"')).toBe(0)
    // Knot gives the task up a second later than we do, and may be heard first.
    const givenUp = 'did_not_receive_payment_method_information'
    await until(run, 'the miss is told', async () => (await outcome('window_missed')) || (await outcome(givenUp)))
    const outcomes = await told()
    expect(wordsOf(outcomes.get('gone'))).toEqual(['SUPPRESSED/opt_out'])
    expect(wordsOf(outcomes.get('stopped'))?.join()).toMatch(
      new RegExp(`^(CANCELLED/window_missed|FAILED/${givenUp})$`),
    )
  },
)
