import { collectDefaultMetrics, Registry } from 'prom-client'
import { engineMetrics } from './engineMetrics.ts'
import type { EngineMetrics } from './engineMetrics.ts'
import { Instruments } from './instruments.ts'
import { decideMetrics, ingestMetrics, provisionMetrics } from './roleMetrics.ts'
import type { DecideMetrics, IngestMetrics, ProvisionMetrics } from './roleMetrics.ts'
import { registerTaskGauges } from './taskGauges.ts'
import type { ShownTask } from './taskGauges.ts'

export interface MetricsOptions {
  /** Version of the build, for `onfile_build_info`. */
  readonly version: string
  /** Roles of this process: their counters start at 0. */
  readonly roles: readonly string[]
  /** Input topics of INGEST: their dead letter counters start at 0. */
  readonly ingestInputs: readonly string[]
  /** The tasks at the moment of a scrape. */
  readonly tasks: () => readonly ShownTask[]
  /** False leaves the metrics of the process out (`process_*`, `nodejs_*`). */
  readonly processMetrics?: boolean
}

/** Every metric of onfile, by the part that reports it. Each part fits the interface that its reporter owns. */
export interface Metrics {
  readonly engine: EngineMetrics
  readonly ingest: IngestMetrics
  readonly decide: DecideMetrics
  readonly provision: ProvisionMetrics
  readonly registry: Registry
  /** The page `/metrics`, in the text format of Prometheus. */
  page(): Promise<MetricsPage>
}

export interface MetricsPage {
  readonly contentType: string
  readonly body: string
}

/** All label sets are bounded; names follow the rules of Prometheus (base units, `_total`). One per process. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  const instruments = new Instruments(registry)
  instruments
    .gauge('onfile_build_info', 'The build that runs.', ['version', 'node'])
    .set({ version: options.version, node: process.version }, 1)
  registerTaskGauges(registry, options.tasks)
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry })
  return {
    engine: engineMetrics(instruments, options.roles),
    ingest: ingestMetrics(instruments, options.roles.includes('ingest') ? options.ingestInputs : []),
    decide: decideMetrics(instruments),
    provision: provisionMetrics(instruments),
    registry,
    async page() {
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}
