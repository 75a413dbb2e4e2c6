import { loadavg } from 'node:os'

const SAMPLE_MS = 5_000

/** How busy the machine is during a run. */
export class MachineWatch {
  private readonly samples: number[] = []
  private readonly timer = setInterval(() => this.samples.push(loadavg()[0] ?? 0), SAMPLE_MS)

  /** Mean of the one-minute load. */
  get load(): number {
    return this.samples.reduce((sum, load) => sum + load, 0) / Math.max(1, this.samples.length)
  }

  stop(): void {
    clearInterval(this.timer)
  }
}
