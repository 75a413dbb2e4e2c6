import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { silentObserver } from '../../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../../src/engine/options.ts'
import type { EngineOptions } from '../../../src/engine/options.ts'
import { RoleRunner } from '../../../src/engine/role.ts'
import { FakeGroup } from '../kafka/fakeGroup.ts'

const REBALANCE_IN_PROGRESS = 27
const GROUP_AUTHORIZATION_FAILED = 30
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53

const runners: { stop(options: { leave: boolean; deadlineMs: number }): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(runners.splice(0).map(runner => runner.stop({ leave: false, deadlineMs: 100 })))
})

/** A role of one input partition on a group that the test answers for. */
function roleOn(group: FakeGroup, options: Partial<EngineOptions> = {}) {
  const runner = new RoleRunner(
    {
      role: 'role',
      inputs: ['in'],
      outputs: [],
      tables: {},
      stateVersion: 1,
      startAt: () => 'earliest' as const,
      createProcessor: () => ({ onRecord: () => undefined }),
    },
    {
      ...ENGINE_DEFAULTS,
      cluster: group.cluster,
      applicationId: 'app',
      stateDirectory: join(tmpdir(), 'onfile-no-such-directory'),
      sessionTimeoutMs: 2_000,
      log: pino({ enabled: false }),
      observer: silentObserver,
      ...options,
    },
  )
  runners.push(runner)
  runner.start()
  return runner
}

const within = { timeout: 15_000, interval: 10 }

describe('a role that its group does not let in', () => {
  it('says why in its status, and since when, until it is in', async () => {
    const group = new FakeGroup()
    group.answers.JoinGroup = [GROUP_AUTHORIZATION_FAILED]
    const startedMs = Date.now()
    const role = roleOn(group)
    await expect.poll(() => role.status().waiting?.reason, within).toContain('READ on this group')
    expect(role.status().state).toBe('joining')
    expect(role.status().waiting?.sinceMs).toBeGreaterThanOrEqual(startedMs)
    group.answers.JoinGroup = []
    await expect.poll(() => role.status().state, within).toBe('stable')
    expect(role.status().waiting).toBeNull()
  })
})

describe('a role whose membership ends by a defect', () => {
  /** Its one task cannot take the lock and is opened again and again; then a rebalance breaks a callback. */
  async function broken() {
    const group = new FakeGroup()
    group.assignment = [{ topic: 'in', partition: 0 }]
    group.answers.InitProducerId = [TRANSACTIONAL_ID_AUTHORIZATION_FAILED]
    let breaks = false
    const observer = {
      ...silentObserver,
      rebalanced: () => {
        if (breaks) throw new Error('a defect')
      },
    }
    const role = roleOn(group, { observer })
    await expect.poll(() => group.count('InitProducerId'), within).toBeGreaterThanOrEqual(2)
    breaks = true
    group.answers.Heartbeat = [REBALANCE_IN_PROGRESS, 0]
    await expect.poll(() => role.status().state, within).toBe('failed')
    return { group, role }
  }

  it('fails with it, visibly, and gives its partitions up', async () => {
    const { group, role } = await broken()
    expect(role.status().error).toMatchObject({ code: 'MEMBERSHIP_FAILED' })
    expect(role.status().error?.message).toContain('a defect')
    await expect.poll(() => group.count('LeaveGroup'), within).toBe(1)
    expect(role.status().tasks).toEqual([])
  })

  it('takes no lock from whoever owns the partitions then', async () => {
    const { group } = await broken()
    const locks = group.count('InitProducerId')
    // Twice the longest back-off so far.
    await new Promise(resolve => setTimeout(resolve, 1_000))
    expect(group.count('InitProducerId') - locks).toBe(0)
  })
})
