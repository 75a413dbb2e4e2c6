import { FramedReader } from '../avro/framedReader.ts'
import { lenientReader } from '../avro/lenientReader.ts'
import type { SchemaSource } from '../avro/registry.ts'
import { readSchemaFile } from '../avro/schemaFiles.ts'
import type { UserEvent } from '../domain/records.ts'
import type { Encoder, Topology } from '../engine/processor.ts'
import { PanFields } from './ingest/panFields.ts'
import type { PushLimits } from './provision/limits.ts'
import { Outages } from './provision/outages.ts'
import type { Outage } from './provision/outages.ts'
import type { KnotPort, ProvisionLog, PushHold, PushSwitch, VaultPort } from './provision/ports.ts'
import { reportedAdmission } from './provision/reportedAdmission.ts'
import type { Pause } from './provision/rolePause.ts'
import type { RecentRecords, SuppressionPort, SwitcherMetrics } from './switcher/ports.ts'
import { SwitcherProcessor } from './switcher/switcherProcessor.ts'
import type { TaskEnd } from './switcher/taskReport.ts'
import type { TaskEffect } from './switcher/taskRun.ts'

export interface SwitcherOptions {
  readonly topics: {
    /** Input: `knot-events`, which INGEST reads too. */
    readonly knotEvents: string
    /** Reports: `onfile-user-events`. */
    readonly userEvents: string
  }
  readonly userEvents: Encoder<UserEvent>
  /** Where the schemas of an issuer's Avro come from. */
  readonly schemas: SchemaSource
  /** `ingest.idPattern`. */
  readonly idPattern: string | null
  readonly knot: KnotPort
  readonly vault: VaultPort
  readonly suppressions: SuppressionPort
  /** The global stop, and what else holds pushes. */
  readonly pushSwitch: PushSwitch
  readonly recentRecords: RecentRecords
  /** Of this role alone: what PROVISION pushes is not counted in. */
  readonly limits: PushLimits
  readonly metrics: SwitcherMetrics
  readonly log: ProvisionLog
  /** `knot.probeInterval`. */
  readonly probeIntervalMs: number
  readonly now?: () => number
}

/** What SWITCHER says about itself, for `/readyz`. */
export interface SwitcherStatus {
  readonly paused: Pause | null
  readonly hold: PushHold | null
  readonly outages: readonly Outage[]
}

export interface SwitcherTopology extends Topology<object, TaskEffect, TaskEnd> {
  status(): SwitcherStatus
  hint(merchantId: number, up: boolean): void
  stop(): void
}

/**
 * The optional role SWITCHER (design.md 6): the task flow, which leaves 15 seconds. It has a group of its own on
 * `knot-events`, so that no backlog of INGEST, DECIDE or PROVISION stands before it, and pushes straight. It is stateless:
 * the attempts are DECIDE's.
 */
export function createSwitcherTopology(options: SwitcherOptions): SwitcherTopology {
  const { topics, metrics, log, pushSwitch } = options
  const now = options.now ?? Date.now
  const outages = new Outages(now)
  const knot = outages.knot(options.knot)
  const vault = outages.vault(options.vault)
  const admission = reportedAdmission({
    role: 'SWITCHER',
    limits: options.limits,
    pushSwitch,
    metrics,
    log,
    clockMs: () => performance.now(),
    probeIntervalMs: options.probeIntervalMs,
    credentialsAccepted: () => options.knot.credentialsAccepted(),
    openCommands: null,
    now,
  })
  const schema = readSchemaFile('in/knot-event')
  const reader = new FramedReader(options.schemas, writer => lenientReader(schema, writer))
  const panFields = new PanFields(options.idPattern)
  return {
    role: 'switcher',
    inputs: [topics.knotEvents],
    tables: {},
    stateVersion: 1,
    outputs: [topics.userEvents],
    // The first time, and where a partition is new: whose window is over needs no telling then.
    startAt: () => ({ timestampMs: now() - FIRST_LOOK_BACK_MS }),
    createProcessor: task =>
      new SwitcherProcessor({
        task,
        userEventsTopic: topics.userEvents,
        userEventEncoder: options.userEvents,
        reader,
        panFields,
        knot,
        vault,
        admission,
        pushSwitch,
        suppressions: options.suppressions,
        recentRecords: options.recentRecords,
        metrics,
        log,
        now,
      }),
    status: () => ({ paused: admission.paused, hold: pushSwitch.held(), outages: outages.current() }),
    hint: (merchantId, up) => admission.hint(merchantId, up),
    stop: () => admission.stop(),
  }
}

/** A new partition is found within half a minute: what came to it meanwhile is told as missed. */
const FIRST_LOOK_BACK_MS = 60_000
