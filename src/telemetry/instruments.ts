import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'

/** A metric as `docs/metrics.md` shows it, and as rules and dashboards may use it. */
export interface MetricDescription {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

/**
 * prom-client's instruments, registered in one registry, with the names of their labels in their types. Remembers what it
 * has made: the page of metrics is written from it, so that none can be left out.
 */
export class Instruments {
  /** In the order in which they were made. */
  readonly descriptions: MetricDescription[] = []
  private readonly registry: Registry

  constructor(registry: Registry) {
    this.registry = registry
  }

  counter<const Label extends string>(name: string, help: string, labels: readonly Label[]): Counter<Label> {
    this.descriptions.push({ name, type: 'counter', help, labels })
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] })
  }

  gauge<const Label extends string>(name: string, help: string, labels: readonly Label[]): Gauge<Label> {
    this.descriptions.push({ name, type: 'gauge', help, labels })
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] })
  }

  /** A gauge that `fill` sets anew at each scrape: what it does not set is not shown. */
  collected<const Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    fill: (gauge: Gauge<Label>) => void,
  ): void {
    this.descriptions.push({ name, type: 'gauge', help, labels })
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
      collect() {
        this.reset()
        fill(this)
      },
    })
  }

  /** @param buckets upper bounds, in the unit that the name says */
  histogram<const Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    buckets: readonly number[],
  ): Histogram<Label> {
    this.descriptions.push({ name, type: 'histogram', help, labels })
    return new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [this.registry] })
  }
}
