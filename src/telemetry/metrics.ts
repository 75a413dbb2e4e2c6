import { collectDefaultMetrics, Registry } from 'prom-client'
import { callMetrics } from './callMetrics.ts'
import type { CallMetrics } from './callMetrics.ts'
import { decideMetrics } from './decideMetrics.ts'
import type { DecideMetrics } from './decideMetrics.ts'
import { engineMetrics } from './engineMetrics.ts'
import type { EngineMetrics } from './engineMetrics.ts'
import { ingestMetrics } from './ingestMetrics.ts'
import type { IngestMetrics } from './ingestMetrics.ts'
import { Instruments } from './instruments.ts'
import type { MetricDescription } from './instruments.ts'
import { pushMetrics } from './pushMetrics.ts'
import { roleGauges } from './roleGauges.ts'
import type { ShownRole } from './roleGauges.ts'
import { provisionMetrics } from './roleMetrics.ts'
import type { ProvisionMetrics } from './roleMetrics.ts'
import { surroundingsGauges } from './surroundings.ts'
import type { Surroundings } from './surroundings.ts'
import { switcherMetrics } from './switcherMetrics.ts'
import type { SwitcherMetrics } from './switcherMetrics.ts'
import { taskGauges } from './taskGauges.ts'

export interface MetricsOptions {
  /** Version of the build, for `onfile_build_info`. */
  readonly version: string
  /** Commit that it was built from; absent: `unknown`. */
  readonly revision?: string
  /** Roles of this process: their counters start at 0. */
  readonly roles: readonly string[]
  /** Input topics of INGEST: their counters start at 0. */
  readonly ingestInputs: readonly string[]
  /** Input topics of the other roles: the same. */
  readonly ownInputs: readonly string[]
  /** Knot's failure reasons that the configured table knows, in snake case: the same. */
  readonly failureReasons: readonly string[]
  /** The roles at the moment of a scrape. */
  readonly status: () => readonly ShownRole[]
  /** Certificates and volume at that moment. Never rejects. Absent: none are shown. */
  readonly surroundings?: () => Promise<Surroundings>
  /** False leaves the metrics of the process out (`process_*`, `nodejs_*`). */
  readonly processMetrics?: boolean
}

/** Every metric of onfile, by the part that reports it. Each part fits the interface that its reporter owns. */
export interface Metrics {
  readonly engine: EngineMetrics
  readonly ingest: IngestMetrics
  readonly decide: DecideMetrics
  readonly provision: ProvisionMetrics
  readonly switcher: SwitcherMetrics
  readonly calls: CallMetrics
  /** What there is, for the page of metrics. */
  readonly descriptions: readonly MetricDescription[]
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
    .gauge('onfile_build_info', 'The build that runs.', ['version', 'revision', 'node'])
    .set({ version: options.version, revision: options.revision ?? 'unknown', node: process.version }, 1)
  const calls = callMetrics(instruments)
  const showRoles = roleGauges(instruments, calls.isFailing)
  const showSurroundings = surroundingsGauges(instruments)
  const showTasks = taskGauges(instruments)
  const engine = engineMetrics(instruments, options.roles)
  const isIngest = options.roles.includes('ingest')
  const ingest = ingestMetrics(instruments, {
    external: isIngest ? options.ingestInputs : [],
    own: options.ownInputs,
  })
  const decide = decideMetrics(instruments, options.ingestInputs, options.failureReasons)
  const pushes = pushMetrics(instruments, options.roles)
  const provision = provisionMetrics(instruments, pushes('provision'))
  const switcher = switcherMetrics(instruments, options.roles.includes('switcher'), pushes('switcher'))
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry })
  return {
    engine: {
      ...engine,
      taskState: (role, topic, partition, state) => {
        engine.taskState(role, topic, partition, state)
        if (!ENDED.has(state)) return
        if (role === 'provision') provision.forget(partition)
        if (role === 'decide') decide.forget(partition)
      },
    },
    ingest,
    decide,
    provision,
    switcher,
    calls,
    descriptions: instruments.descriptions,
    async page() {
      const roles = options.status()
      showRoles(roles)
      showTasks(roles.flatMap(role => role.tasks))
      showSurroundings((await options.surroundings?.()) ?? NO_SURROUNDINGS)
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}

const NO_SURROUNDINGS: Surroundings = { certificates: [], volume: null }
const ENDED: ReadonlySet<string> = new Set(['closed', 'fenced', 'failed'])
