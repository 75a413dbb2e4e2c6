import { describe, expect, test } from 'vitest'
import type { EngineObserver } from '../../../src/engine/observer.ts'
import type { TaskStatus } from '../../../src/engine/status.ts'
import type { RoleHealth } from '../../../src/server/health.ts'
import type { DecideMetrics } from '../../../src/processors/decide/ports.ts'
import type { IngestMetrics } from '../../../src/processors/ingest/settings.ts'
import type { ProvisionMetrics } from '../../../src/processors/provision/ports.ts'
import type { SwitcherMetrics } from '../../../src/processors/switcher/ports.ts'
import { BoundedLabel } from '../../../src/telemetry/boundedLabel.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import type { Metrics } from '../../../src/telemetry/metrics.ts'
import type { Surroundings } from '../../../src/telemetry/surroundings.ts'

const TASK: TaskStatus = {
  role: 'decide',
  topic: 'onfile-user-events',
  partition: 2,
  state: 'running',
  waiting: null,
  paused: null,
  position: 10,
  endOffset: 15,
  lagRecords: 5,
  lagSeconds: 1.5,
  blockedRecords: 9,
  restoredRecords: 7,
  restoreRemaining: 3,
  turnAgeMs: 0,
  cycle: 4,
  effectsInFlight: 1,
  timers: { switch: 2 },
  unflushedBytes: 64,
  storeBytes: 4_096,
  transactionProtocol: 'v2',
  error: null,
}

function metricsOf(tasks: () => readonly TaskStatus[] = () => [], outages: RoleHealth['outages'] = []): Metrics {
  return createMetrics({
    version: '1.2.3',
    roles: ['ingest', 'decide', 'provision'],
    ingestInputs: ['card-lifecycle'],
    ownInputs: ['onfile-user-events'],
    failureReasons: ['card_in_use'],
    status: () => [
      {
        role: 'decide',
        state: 'stable',
        memberTurnAgeMs: 0,
        inputPartitions: { 'onfile-user-events': 4 },
        outages: [],
        tasks: tasks(),
      },
      { role: 'provision', state: 'joining', inputPartitions: {}, outages, tasks: [] },
    ],
    processMetrics: false,
  })
}

async function lines(metrics: Metrics): Promise<string[]> {
  return (await metrics.page()).body.split('\n')
}

describe('metrics', () => {
  test('fit the interfaces of those who report', () => {
    const metrics = metricsOf()
    const parts: {
      engine: EngineObserver
      ingest: IngestMetrics
      decide: DecideMetrics
      provision: ProvisionMetrics
      switcher: SwitcherMetrics
    } = metrics
    expect(parts.engine).toBe(metrics.engine)
  })

  test('a process with SWITCHER alone shows its limits, breakers, waits and pauses, and nothing of PROVISION', async () => {
    const none = { ingestInputs: [], ownInputs: [], failureReasons: [], status: () => [], processMetrics: false }
    const metrics = createMetrics({ version: '1', roles: ['switcher'], ...none })
    metrics.switcher.pacing(() => ({
      inUse: 1,
      waiting: { push: 2, look: 0 },
      knotBreaker: 'open',
      knotBreakerWaitMs: 3_000,
      places: 64,
      perSecond: null,
      merchants: [],
      openCommands: null,
    }))
    metrics.switcher.waited('push', 400)
    metrics.switcher.breakerOpened('knot')
    metrics.switcher.paused('vault_unauthorized', true)
    const page = await lines(metrics)
    expect(page).toEqual(
      expect.arrayContaining([
        'onfile_provision_limit{role="switcher",limit="concurrency"} 64',
        'onfile_provision_waiting{role="switcher",kind="push"} 2',
        'onfile_breaker_state{role="switcher",breaker="knot"} 2',
        'onfile_breaker_opened_total{role="switcher",breaker="knot"} 1',
        'onfile_provision_wait_seconds_count{role="switcher",kind="push"} 1',
        'onfile_push_duration_seconds_count{role="switcher"} 0',
        'onfile_paused{role="switcher",reason="vault_unauthorized"} 1',
        'onfile_paused{role="switcher",reason="operator"} 0',
      ]),
    )
    const pushing = page.filter(line => /^onfile_(provision|breaker|push|paused)/.test(line))
    expect(pushing.filter(line => line.includes('role="provision"') || line.includes('"open_commands"'))).toEqual([])
  })

  test('counters are there with 0 before the first event', async () => {
    const page = await lines(metricsOf())
    expect(page).toContain('onfile_dlq_records_total{topic="card-lifecycle",reason="contains_pan"} 0')
    expect(page).toContain('onfile_transactions_total{role="decide",result="lost"} 0')
    expect(page).toContain('onfile_reconciles_total{role="ingest",result="resent"} 0')
    expect(page).toContain('onfile_records_processed_total{role="decide"} 0')
    expect(page).toContain('onfile_store_flush_errors_total{role="ingest"} 0')
    expect(page).toContain('onfile_outcomes_total{status="FAILED",reason="card_in_use"} 0')
    expect(page).toContain(`onfile_build_info{version="1.2.3",revision="unknown",node="${process.version}"} 1`)
  })

  test('what is reported is on the page', async () => {
    const metrics = metricsOf()
    metrics.decide.outcome('UPDATED', 'updated', 21)
    metrics.decide.freshness('card-lifecycle', 'pushed')(700)
    metrics.decide.freshness('somebody-elses-topic', 'decided')(700)
    metrics.decide.ignored('onfile-user-events', 'CREDENTIALS_FAILED')
    metrics.calls.called('vault', 'card', 'unavailable', 30)
    metrics.decide.command('SWITCH')
    metrics.ingest.ignored('knot-events', 'TRANSACTIONS')
    metrics.ingest.deadLettered('card-lifecycle', 'invalid_json')
    metrics.engine.cycle('decide', 't', 0, 'committed', 20, 100)
    metrics.engine.cycle('decide', 't', 0, 'resent', 20, 10)
    metrics.engine.cycle('decide', 't', 0, 'lost', 20, 1_000)
    metrics.engine.freshness('decide', 't', 400)
    metrics.engine.flushed('decide', 't', 0, { durationMs: 30, written: true, writtenBytes: 700, reclaimedBytes: 200 })
    metrics.engine.flushed('decide', 't', 0, { durationMs: 3, written: false, writtenBytes: 0, reclaimedBytes: 0 })
    metrics.provision.appliedCancelOffset(3, 77)
    metrics.provision.paused('unauthorized', true)
    metrics.provision.pushMs(120)
    const page = await lines(metrics)
    expect(page).toEqual(
      expect.arrayContaining([
        'onfile_outcomes_total{status="UPDATED",reason="updated"} 1',
        'onfile_merchant_outcomes_total{merchant="21",status="UPDATED"} 1',
        'onfile_merchant_outcomes_total{merchant="21",status="FAILED"} 0',
        'onfile_outcome_freshness_seconds_bucket{le="0.5",topic="card-lifecycle",path="pushed"} 0',
        'onfile_outcome_freshness_seconds_bucket{le="1",topic="card-lifecycle",path="pushed"} 1',
        'onfile_outcome_freshness_seconds_count{topic="other",path="decided"} 1',
        'onfile_user_events_ignored_total{kind="CREDENTIALS_FAILED"} 1',
        'onfile_store_flush_errors_total{role="decide"} 1',
        'onfile_store_written_bytes_total{role="decide"} 700',
        'onfile_store_reclaimed_bytes_total{role="decide"} 200',
        'onfile_store_flush_duration_seconds_count{role="decide"} 2',
        'onfile_calls_total{system="vault",operation="card",answer="unavailable"} 1',
        'onfile_commands_total{kind="SWITCH"} 1',
        'onfile_records_ignored_total{topic="knot-events",kind="TRANSACTIONS"} 1',
        'onfile_dlq_records_total{topic="card-lifecycle",reason="invalid_json"} 1',
        'onfile_records_processed_total{role="decide"} 110',
        'onfile_transactions_total{role="decide",result="committed"} 1',
        'onfile_reconciles_total{role="decide",result="lost"} 1',
        'onfile_commit_duration_seconds_bucket{le="0.025",role="decide"} 3',
        'onfile_commit_duration_seconds_bucket{le="0.01",role="decide"} 0',
        'onfile_record_end_to_end_duration_seconds_bucket{le="0.5",role="decide",topic="t"} 1',
        'onfile_provision_applied_cancel_offset{partition="3"} 77',
        'onfile_paused{role="provision",reason="unauthorized"} 1',
        'onfile_push_duration_seconds_count{role="provision"} 1',
      ]),
    )
  })

  test('a task shows its state and lag, and leaves nothing behind when it moves away', async () => {
    let tasks = [TASK]
    const metrics = metricsOf(() => tasks)
    const label = 'role="decide",topic="onfile-user-events",partition="2"'
    const page = await lines(metrics)
    expect(page).toContain(`onfile_task_state{${label},state="running"} 1`)
    expect(page).toContain(`onfile_task_state{${label},state="failed"} 0`)
    expect(page).toContain(`onfile_consumer_lag_records{${label}} 5`)
    expect(page).toContain(`onfile_consumer_lag_seconds{${label}} 1.5`)
    expect(page).toContain(`onfile_state_restore_remaining_records{${label}} 3`)
    expect(page).toContain(`onfile_effects_in_flight{${label}} 1`)
    expect(page).toContain('onfile_consumer_assigned_partitions{role="decide",topic="onfile-user-events"} 1')
    expect(page).toContain('onfile_timers_waiting{role="decide",kind="switch"} 2')
    expect(page).toContain('onfile_timers_waiting{role="decide",kind="hard"} 0')
    expect(page).toContain(`onfile_store_unflushed_bytes{${label}} 64`)
    expect(page).toContain(`onfile_state_store_bytes{${label}} 4096`)
    tasks = []
    expect((await lines(metrics)).filter(line => line.includes(label))).toEqual([])
  })

  test('a role shows its state, what the broker has of its input, and which system fails it', async () => {
    const page = await lines(metricsOf(() => [], [{ system: 'vault', reason: 'no answer', sinceMs: 1 }]))
    expect(page).toContain('onfile_role_state{role="decide",state="stable"} 1')
    expect(page).toContain('onfile_role_state{role="provision",state="failed"} 0')
    expect(page).toContain('onfile_input_partitions{role="decide",topic="onfile-user-events"} 4')
    expect(page).toContain('onfile_outage{role="provision",system="vault"} 1')
    expect(page).toContain('onfile_outage{role="provision",system="knot"} 0')
  })

  test('the directory or the registry fails from a call without an answer to the next one with any', async () => {
    const status = () => [{ role: 'ingest', state: 'stable', inputPartitions: {}, outages: [], tasks: [] }]
    const none = { version: '1', roles: ['ingest'], ingestInputs: [], ownInputs: [], failureReasons: [] }
    const metrics = createMetrics({ ...none, revision: 'ab12', status, processMetrics: false })
    const outage = async (system: string): Promise<string | undefined> =>
      (await lines(metrics)).find(line => line.startsWith(`onfile_outage{role="ingest",system="${system}"}`))?.at(-1)
    expect([await outage('directory'), await outage('registry')]).toEqual(['0', '0'])
    metrics.calls.called('directory', 'owner', 'unavailable', 20)
    expect([await outage('directory'), await outage('registry')]).toEqual(['1', '0'])
    metrics.calls.called('directory', 'owner', 'unknown', 20)
    metrics.calls.called('registry', 'schema', 'unauthorized', 20)
    expect([await outage('directory'), await outage('registry')]).toEqual(['0', '1'])
    const page = await lines(metrics)
    expect(page).toContain('onfile_calls_total{system="directory",operation="owner",answer="unavailable"} 1')
    expect(page).toContain('onfile_call_duration_seconds_count{system="directory",operation="owner"} 2')
    expect(page).toContain(`onfile_build_info{version="1",revision="ab12",node="${process.version}"} 1`)
  })

  test('certificates and the volume are shown as they are at the scrape, and not once they are gone', async () => {
    const certificate = { system: 'vault', certificate: 'own', notAfterMs: 1_800_000_000_000 } as const
    let found: Surroundings = { certificates: [certificate], volume: { sizeBytes: 1_000, freeBytes: 400 } }
    const none = { version: '1', roles: [], ingestInputs: [], ownInputs: [], failureReasons: [], status: () => [] }
    const metrics = createMetrics({ ...none, surroundings: () => Promise.resolve(found), processMetrics: false })
    const shown = async (): Promise<string[]> =>
      (await lines(metrics)).filter(line => /^onfile_(certificate|state_volume)/.test(line))
    expect(await shown()).toEqual([
      'onfile_certificate_not_after_timestamp_seconds{system="vault",certificate="own"} 1800000000',
      'onfile_state_volume_size_bytes 1000',
      'onfile_state_volume_free_bytes 400',
    ])
    found = { certificates: [], volume: null }
    expect(await shown()).toEqual([])
  })

  test('what PROVISION shows of a partition ends with it', async () => {
    const metrics = metricsOf()
    metrics.provision.appliedCancelOffset(3, 77)
    metrics.provision.openCommands(3, 5)
    metrics.provision.openCommands(4, 6)
    metrics.engine.taskState('decide', 't', 3, 'closed')
    expect(await lines(metrics)).toContain('onfile_provision_open_commands{partition="3"} 5')
    metrics.engine.taskState('provision', 't', 3, 'closed')
    const page = await lines(metrics)
    expect(page.filter(line => line.includes('partition="3"'))).toEqual([])
    expect(page).toContain('onfile_provision_open_commands{partition="4"} 6')
  })

  test('suppressions in force are those of the partitions that are here', async () => {
    const metrics = metricsOf()
    expect(await lines(metrics)).toContain('onfile_suppressions_active{reason="opt_out"} 0')
    metrics.decide.suppressionsActive(1, { opt_out: 3, operator: 0, closed: 1, contact_cardholder: 0 })
    metrics.decide.suppressionsActive(2, { opt_out: 2, operator: 0, closed: 0, contact_cardholder: 0 })
    expect(await lines(metrics)).toContain('onfile_suppressions_active{reason="opt_out"} 5')
    metrics.engine.taskState('decide', 't', 1, 'closed')
    expect(await lines(metrics)).toContain('onfile_suppressions_active{reason="opt_out"} 2')
  })

  test('no input can add labels without end', async () => {
    const metrics = metricsOf()
    for (let index = 0; index < 2_000; index++) {
      metrics.decide.outcome('FAILED', `reason-${index}`, index)
      metrics.decide.freshness(`topic-${index}`, 'decided')(1)
      metrics.calls.called('knot', 'push', `answer-${index}`, 1)
      metrics.ingest.ignored('knot-events', `KIND-${index}`)
      metrics.ingest.deadLettered('card-lifecycle', `reason-${index}`)
      metrics.provision.answered('SWITCH', 'REJECTED', `reason-${index}`)
      metrics.provision.notAccepted(`cause-${index}`)
    }
    const page = await lines(metrics)
    expect(page.length).toBeLessThan(1_800)
    expect(page).toContain('onfile_merchant_outcomes_total{merchant="other",status="FAILED"} 1900')
  })

  test('every name follows the rules: prefix, unit, _total for counters only', async () => {
    const types = (await lines(metricsOf())).filter(line => line.startsWith('# TYPE '))
    expect(types.length).toBeGreaterThan(20)
    for (const line of types) {
      const [, , name, type] = line.split(' ')
      expect(name).toMatch(/^onfile_[a-z0-9_]+$/)
      expect(name!.endsWith('_total')).toBe(type === 'counter')
      if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    }
  })

  test('the process has its metrics too', async () => {
    const metrics = createMetrics({
      version: '0',
      roles: [],
      ingestInputs: [],
      ownInputs: [],
      failureReasons: [],
      status: () => [],
    })
    expect((await metrics.page()).body).toContain('nodejs_eventloop_lag_seconds')
  })
})

describe('BoundedLabel', () => {
  test('passes the first values and those known, and shortens nothing silently', () => {
    const label = new BoundedLabel(3, ['known'])
    expect(['a', 'b', 'c', 'a', 'known', 'x'.repeat(65)].map(value => label.bound(value))).toEqual([
      'a',
      'b',
      'other',
      'a',
      'known',
      'other',
    ])
  })
})
