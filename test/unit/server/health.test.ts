import { describe, expect, it, test } from 'vitest'
import type { TaskState, TaskStatus } from '../../../src/engine/status.ts'
import { liveAnswer, readyAnswer, startupAnswer } from '../../../src/server/health.ts'
import type { HealthSource, RoleHealth } from '../../../src/server/health.ts'

function taskIn(state: TaskState, more: Partial<TaskStatus> = {}): TaskStatus {
  return {
    role: 'decide',
    topic: 'events',
    partition: 1,
    state,
    waiting: null,
    paused: null,
    position: 0,
    endOffset: 0,
    lagRecords: 0,
    lagSeconds: 0,
    blockedRecords: 0,
    restoredRecords: 0,
    restoreRemaining: 0,
    turnAgeMs: state === 'running' || state === 'draining' ? 20 : null,
    cycle: 0,
    effectsInFlight: 0,
    timers: {},
    unflushedBytes: 0,
    storeBytes: 0,
    transactionProtocol: 'v2',
    error: null,
    ...more,
  }
}

function roleIn(state: RoleHealth['state'], tasks: TaskStatus[], more: Partial<RoleHealth> = {}): RoleHealth {
  return {
    role: 'decide',
    groupId: 'onfile-decide',
    state,
    waiting: null,
    error: null,
    memberTurnAgeMs: 20,
    inputPartitions: {},
    paused: null,
    outages: [],
    tasks,
    ...more,
  }
}

function sourceOf(roles: RoleHealth[], more: Partial<HealthSource> = {}): HealthSource {
  return { startup: () => ({ ready: true, reasons: [] }), roles: () => roles, draining: () => false, ...more }
}

describe('live', () => {
  const MINUTE_MS = 60_000

  it.each<[string, RoleHealth[]]>([
    ['a process that starts', []],
    ['a role that waits for a topic', [roleIn('starting', [], { memberTurnAgeMs: null })]],
    [
      'a role that waits for its group',
      [roleIn('joining', [], { waiting: { reason: 'no coordinator', sinceMs: 0 }, memberTurnAgeMs: 9 * MINUTE_MS })],
    ],
    ['a role that failed', [roleIn('failed', [], { memberTurnAgeMs: null })]],
    ['a task that restores for hours', [roleIn('stable', [taskIn('restoring', { restoreRemaining: 1e9 })])]],
    ['a task that is to be locked', [roleIn('stable', [taskIn('locking')])]],
    ['a task whose loop turned 4 minutes ago', [roleIn('stable', [taskIn('running', { turnAgeMs: 4 * MINUTE_MS })])]],
    ['a paused task', [roleIn('stable', [taskIn('running', { paused: { reason: 'x', sinceMs: 0, untilMs: 9e12 } })])]],
    [
      'a commit in doubt since yesterday',
      [roleIn('stable', [taskIn('running', { waiting: { reason: 'in doubt', sinceMs: 0 }, lagSeconds: 86_400 })])],
    ],
  ])('%s is live', (_, roles) => {
    expect(liveAnswer(sourceOf(roles))).toEqual({ state: 'live', reasons: [] })
  })

  test('a task whose loop has not turned for 5 minutes is not, and neither is a membership that stands still', () => {
    const stuck = taskIn('running', { partition: 3, turnAgeMs: 5 * MINUTE_MS + 1_000 })
    const roles = [roleIn('stable', [taskIn('running'), stuck], { memberTurnAgeMs: 11 * MINUTE_MS })]
    expect(liveAnswer(sourceOf(roles))).toEqual({
      state: 'stuck',
      reasons: [
        'decide: its group membership has not turned for 660 s',
        'decide events-3: its loop has not turned for 301 s',
      ],
    })
  })
})

describe('ready', () => {
  const error = { code: 'STATE_TOO_NEW', message: 'newer release' }

  it.each<[string, RoleHealth[], string[]]>([
    ['no roles', [], []],
    ['a stable role', [roleIn('stable', [taskIn('running')])], []],
    ['a stable role without a partition', [roleIn('stable', [])], []],
    ['a role that joins again while its tasks run', [roleIn('joining', [taskIn('running')])], []],
    ['a role that joins for the first time', [roleIn('joining', [])], ['decide: joining its group']],
    [
      'a role that its group does not let in',
      [roleIn('joining', [], { waiting: { reason: 'JoinGroup was refused', sinceMs: 0 } })],
      ['decide: joining its group: JoinGroup was refused'],
    ],
    ['a role that starts', [roleIn('starting', [])], ['decide: starting']],
    [
      'a role that waits for a topic',
      [roleIn('starting', [], { waiting: { reason: 'topics do not exist: x', sinceMs: 0 } })],
      ['decide: waits: topics do not exist: x'],
    ],
    ['a role that ended', [roleIn('stopped', [])], ['decide: stopped']],
    ['a role that failed', [roleIn('failed', [], { error })], ['decide: failed (STATE_TOO_NEW): newer release']],
    ['a task that is to be locked', [roleIn('stable', [taskIn('locking')])], ['decide events-1: locking']],
    [
      'a task that restores',
      [roleIn('stable', [taskIn('restoring', { restoreRemaining: 42 })])],
      ['decide events-1: restoring, 42 records to go'],
    ],
    ['a task that was fenced', [roleIn('stable', [taskIn('fenced')])], ['decide events-1: fenced']],
    [
      'a task that failed beside one that runs',
      [roleIn('stable', [taskIn('running'), taskIn('failed', { partition: 2, error })])],
      ['decide events-2: failed (STATE_TOO_NEW): newer release'],
    ],
    [
      'a task that failed and does not come to close its files',
      [roleIn('stable', [taskIn('running', { error })])],
      ['decide events-1: ending (STATE_TOO_NEW): newer release'],
    ],
    ['a task on its way out', [roleIn('stable', [taskIn('draining'), taskIn('closed')])], []],
    [
      'one of two roles not ready',
      [roleIn('stable', []), roleIn('joining', [], { role: 'ingest' })],
      ['ingest: joining its group'],
    ],
  ])('with %s', (_what, roles, reasons) => {
    const answer = readyAnswer(sourceOf(roles))
    expect(answer.reasons).toEqual(reasons)
    expect(answer.state).toBe(reasons.length === 0 ? 'ready' : 'not_ready')
  })

  test('is not given before the start and while draining', () => {
    const starting = sourceOf([], { startup: () => ({ ready: false, reasons: ['registry does not answer'] }) })
    expect(readyAnswer(starting)).toMatchObject({ state: 'not_ready', reasons: ['registry does not answer'] })
    const silent = sourceOf([], { startup: () => ({ ready: false, reasons: [] }) })
    expect(readyAnswer(silent).state).toBe('not_ready')
    expect(readyAnswer(sourceOf([], { draining: () => true })).state).toBe('not_ready')
  })

  test('stays with a paused role, an outage and a waiting task, which are listed', () => {
    const waiting = taskIn('running', { waiting: { reason: 'registry is down', sinceMs: 1_000 } })
    const role = roleIn('stable', [waiting], {
      waiting: { reason: 'no heartbeat is answered', sinceMs: 3_000 },
      paused: { reason: 'unauthorized', sinceMs: 0 },
      outages: [{ system: 'vault', reason: 'the vault failed', sinceMs: 2_000 }],
    })
    const answer = readyAnswer(sourceOf([role], { notices: () => ['ingest: began again'] }))
    expect(answer.state).toBe('ready')
    expect(answer.notices).toEqual([
      'ingest: began again',
      'decide: paused since 1970-01-01T00:00:00.000Z: unauthorized',
      'decide: its group does not hear of it since 1970-01-01T00:00:03.000Z: no heartbeat is answered',
      'decide: waits since 1970-01-01T00:00:02.000Z: the vault failed',
      'decide events-1: waits since 1970-01-01T00:00:01.000Z: registry is down',
    ])
    expect(answer.roles).toEqual([role])
  })

  test('shows no secret that a message carries', () => {
    const number = '4242424242424242'
    const failed = taskIn('failed', {
      error: { code: 'X', message: number },
      waiting: { reason: 'http://u:pass@host', sinceMs: 0 },
    })
    const role = roleIn('failed', [failed], {
      error: { code: 'X', message: number },
      waiting: { reason: number, sinceMs: 0 },
      paused: { reason: number, sinceMs: 0 },
      outages: [{ system: 'knot', reason: number, sinceMs: 0 }],
    })
    const source = sourceOf([role], { startup: () => ({ ready: false, reasons: [number] }) })
    expect(JSON.stringify([readyAnswer(source), startupAnswer(source)])).not.toMatch(/4242|pass/)
  })
})
