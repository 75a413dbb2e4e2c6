import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'

/** prom-client's instruments, registered in one registry, with the names of their labels in their types. */
export class Instruments {
  private readonly registry: Registry

  constructor(registry: Registry) {
    this.registry = registry
  }

  counter<const Label extends string>(name: string, help: string, labels: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] })
  }

  gauge<const Label extends string>(name: string, help: string, labels: readonly Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] })
  }

  /** A gauge that `fill` sets anew at each scrape: what it does not set is not shown. */
  collected<const Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    fill: (gauge: Gauge<Label>) => void,
  ): void {
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
    return new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [this.registry] })
  }
}
