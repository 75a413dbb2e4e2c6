import type { Logger } from 'pino'
import type { RecordCodecs } from '../../avro/records.ts'
import type { SchemaRegistry } from '../../avro/registry.ts'
import type { Config } from '../../config/config.ts'
import type { EngineOptions } from '../../engine/options.ts'
import type { Pauses } from '../../engine/pauses.ts'
import type { Topology } from '../../engine/processor.ts'
import type { Read } from '../../engine/role.ts'
import type { RoleStatus } from '../../engine/status.ts'
import type { Outage, RoleHealth, Waiting } from '../../server/health.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import type { KnownState } from '../user/story.ts'

/** A role that runs here: the engine's runner, and what must be closed after it. */
export interface RunningRole {
  readonly role: string
  /** What an operator has paused of it. */
  readonly pauses: Pauses
  /** What DECIDE holds of a user of that partition; null for the other roles. */
  readonly lookUp: ((partition: number, userId: string) => Read<KnownState>) | null
  start(): void
  health(): RoleHealth
  stop(options: { leave: boolean; deadlineMs: number }): Promise<void>
}

/** What roles are made of. */
export interface RoleParts {
  readonly config: Config
  readonly engine: EngineOptions
  readonly codecs: RecordCodecs
  readonly registry: SchemaRegistry
  readonly startAt: Topology['startAt']
  readonly metrics: Metrics
  readonly log: Logger
  readonly version: string
}

interface Runner {
  readonly pauses: Pauses
  start(): void
  status(): RoleStatus
  stop(options: { leave: boolean; deadlineMs: number }): Promise<void>
}

/** The engine's runner of a role with what the role has beside it. */
export function runningRole(
  runner: Runner,
  extras: {
    lookUp?: NonNullable<RunningRole['lookUp']>
    start?: () => void
    paused?: () => Waiting | null
    outages?: () => readonly Outage[]
    close?: () => Promise<void>
  } = {},
): RunningRole {
  return {
    role: runner.status().role,
    pauses: runner.pauses,
    lookUp: extras.lookUp ?? null,
    start: () => {
      extras.start?.()
      runner.start()
    },
    health: () => ({
      ...runner.status(),
      paused: extras.paused?.() ?? null,
      outages: extras.outages?.() ?? [],
    }),
    stop: async options => {
      await runner.stop(options)
      await extras.close?.()
    },
  }
}
