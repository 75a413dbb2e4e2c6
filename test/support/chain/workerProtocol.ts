import type { CommitVerdict } from '../../../src/engine/observer.ts'
import type { EngineStep } from '../../../src/engine/options.ts'
import type { RoleStatus } from '../../../src/engine/status.ts'
import type { ChainTopics, ChainVariant } from './topology.ts'

interface AtStep {
  readonly step: EngineStep
  readonly count: number
  /** Wall clock: what comes before it does not count. Default: everything does. */
  readonly fromMs?: number
  /** Every cycle waits for so long at that step, and only what its partition reaches meanwhile counts. */
  readonly heldAt?: { readonly step: EngineStep; readonly waitMs: number }
}

/** Where a process was that killed or stopped itself: a line of JSON on its standard error. */
export interface Struck {
  readonly struckAt: EngineStep
  readonly partition: number
}

/** Something that the process does to itself at a step of the engine, the `count`-th time that it gets there. */
export type StepFault =
  | (AtStep & { readonly does: 'kill' | 'stop' })
  /** That time and every time after. */
  | (AtStep & { readonly does: 'wait'; readonly waitMs: number })

export interface ClockJump {
  readonly afterMs: number
  readonly byMs: number
  /** When the clock is right again, null = never. */
  readonly backAfterMs: number | null
}

/** What a worker process is started with. */
export interface ChainSettings {
  readonly brokers: string
  readonly applicationId: string
  readonly stateDirectory: string
  readonly topics: ChainTopics
  readonly variant: ChainVariant
  /** v2 means: what the cluster has. */
  readonly protocol: 'v1' | 'v2'
  readonly sessionTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly transactionTimeoutMs: number
  readonly maxStoreAgeMs: number
  readonly maxUnflushedBytes: number
  /** Entries per write to the local store; null: as the engine does. */
  readonly storeWriteEntries: number | null
  readonly restoreNoProgressMs: number
  readonly instanceId: string | null
  readonly logLevel: string
  readonly fault: StepFault | null
  readonly clockJump: ClockJump | null
  /** Opens every partition, whatever the group assigns. */
  readonly takesEverything: boolean
}

/** Ended commits by their verdict. */
export type CommitCounts = Record<CommitVerdict, number>

/** One commit that input records became true with. */
export interface CommittedCycle {
  readonly partition: number
  /** Wall clock, milliseconds. */
  readonly atMs: number
  /** Steps 2 to 4, milliseconds. */
  readonly durationMs: number
}

/** What the process has of what it must give back. */
export interface Resources {
  readonly rssBytes: number
  readonly heapUsedBytes: number
  /** Buffers outside of the heap, and nothing else that V8 counts there: natives that wait to be finalized come and go by 10 MiB. */
  readonly bufferBytes: number
  /** Sockets, files and running requests, as Node counts them. */
  readonly handles: number
  readonly timers: number
  /** Of the signal or socket that has the most. */
  readonly listeners: number
}

/** What a worker says of itself. */
export interface WorkerReport {
  readonly role: RoleStatus
  readonly commits: Readonly<CommitCounts>
  /** Those of cycles that held only timers or finished effects. */
  readonly commitsWithoutRecords: Readonly<CommitCounts>
  readonly rebalances: number
  /** Since the last report. */
  readonly cycles: readonly CommittedCycle[]
  readonly resources: Resources
}
