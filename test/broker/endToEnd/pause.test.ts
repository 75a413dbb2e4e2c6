import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { readKafkaStory } from '../../../src/cli/user/kafkaStory.ts'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { OperatorTerminal } from '../../support/onfile/operatorTerminal.ts'
import { until } from '../../support/onfile/until.ts'
import { onfile } from '../../unit/cli/commandLine.ts'

const USERS = 12
const MERCHANTS = [10, 16, 44]

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    settings: { ONFILE_POLICY_RESULT_SOFT: '20s', ONFILE_POLICY_RESULT_HARD: '60s' },
  })
})
afterEach(() => run.close())

const update = (from: number, to: number) =>
  run.sendLifecycle(...updatesOf(...Array.from({ length: to - from }, (_, index) => `user-${from + index}`)))

it('a pause stops every push, over kill -9, fails none, shows itself, and ends with resume', { retry: 0 }, async () => {
  const terminal = new OperatorTerminal(run)
  for (let index = 0; index < USERS; index++) run.addUser(`user-${index}`, index, MERCHANTS)
  const first = run.start()
  await first.ready()

  expect(await terminal.onfile('pause', '--reason', 'a drill')).toMatchObject({ code: 0, err: '' })
  await wait(1_500)
  await update(0, USERS)
  const waiting = USERS * MERCHANTS.length
  const settled = (process = first): Promise<void> =>
    until(run, 'all wait', async () => (await process.metric('onfile_provision_waiting', 'kind="push"')) === waiting)
  await settled()
  expect(run.knot.pushes()).toEqual([])
  expect(await first.metric('onfile_paused', 'reason="operator"')).toBe(1)
  expect(await first.metric('onfile_commands_answered_total', 'kind="SWITCH"')).toBe(0)
  const { state, notices } = await first.readyz()
  expect(state).toBe('ready')
  expect(notices.join('\n')).toContain('ops paused pushes: a drill')

  await first.kill('SIGKILL')
  const second = run.start()
  await second.ready()
  await settled(second)
  await wait(1_000)
  expect(run.knot.pushes()).toEqual([])
  expect(await second.metric('onfile_paused', 'reason="operator"')).toBe(1)
  const paused = await terminal.onfile('user', 'user-0')
  expect(paused.out).toMatch(/PUSHES ARE PAUSED since .* UTC by ops: a drill\./)

  expect(await terminal.onfile('resume', '--reason', 'the drill is over')).toMatchObject({ code: 0 })
  await run.expectExact()
  expect(run.knot.pushes()).toHaveLength(waiting)
  expect(await second.metric('onfile_paused', 'reason="operator"')).toBe(0)
  const resumed = await terminal.onfile('user', 'user-0')
  expect(resumed.out).toContain('UPDATED')
  expect(resumed.out).not.toContain('PAUSED')
})

it('no push starts while the switch cannot be read', { retry: 0 }, async () => {
  run.addUser('user-0', 0, [16])
  const others = run.start({ ONFILE_ROLES: 'ingest,decide', ONFILE_STATE_DIR: `${run.stateDirectory}/others` })
  const blind = run.start({
    ONFILE_ROLES: 'provision',
    ONFILE_STATE_DIR: `${run.stateDirectory}/blind`,
    ONFILE_TOPICS_CONTROL: `${run.id}-nowhere`,
  })
  await Promise.all([others.ready(), blind.ready()])
  await update(0, 1)
  await until(run, 'it waits', async () => (await blind.metric('onfile_provision_waiting', 'kind="push"')) === 1)
  await wait(1_000)
  expect(run.knot.pushes()).toEqual([])
  expect(await blind.metric('onfile_paused', 'reason="switch_unknown"')).toBe(1)
  expect((await blind.readyz()).notices.join('\n')).toContain('is not known now')
  const settings = run.environment({ ONFILE_TOPICS_CONTROL: `${run.id}-nowhere` })
  const told = await onfile(['user', 'user-0'], settings, { readStory: readKafkaStory })
  expect(told.out).toContain('ARE PUSHES PAUSED? Not known now')
  expect(told.out).toContain('is with PROVISION')
})
