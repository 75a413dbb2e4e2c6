import { setTimeout as wait } from 'node:timers/promises'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'

const SAMPLE_MS = 1_000
const START_DEADLINE_MS = 120_000

/** How often the product is killed. */
export interface KillCount {
  /** Also where the work ends sooner. */
  readonly least: number
  /** Also where it takes longer. */
  readonly most: number
}

/** One product process at a time: killed with SIGKILL every so often, the next one started at once. */
export class KilledProduct {
  kills = 0
  /** Of kills: how many met a process that was ready. */
  killsWhenReady = 0
  /** Largest resident memory seen of one process, in bytes. */
  residentMaxBytes = 0
  /** Records behind and commands that PROVISION has open, as seen last; infinite where no process has said since a kill. */
  backlog = Number.POSITIVE_INFINITY
  private readonly run: OnfileRun
  private process: ProductProcess

  constructor(run: OnfileRun) {
    this.run = run
    this.process = run.start()
  }

  /** Resolves when the process that lives works. */
  ready(): Promise<void> {
    return this.process.ready(START_DEADLINE_MS)
  }

  /**
   * Kills each process when it has been ready for `everyMs`, until `ended` or as often as told. One of four lives
   * a quarter of that from its start, and mostly dies while it takes over.
   */
  async killEvery(everyMs: number, { least, most }: KillCount, ended: () => boolean): Promise<void> {
    const over = (): boolean => this.kills >= most || (this.kills >= least && ended())
    for (let life = 1; !over(); life++) {
      const isShort = life % 4 === 2
      if (!isShort) await this.ready()
      const untilMs = Date.now() + (isShort ? everyMs / 4 : everyMs)
      await this.live(untilMs, over)
      if (over()) break
      const answer = await this.process.readyz().catch(() => null)
      const end = await this.process.kill('SIGKILL')
      this.backlog = Number.POSITIVE_INFINITY
      if (end !== 'SIGKILL') throw new Error(`the product ended with ${end} by itself\n${this.process.lastWords()}`)
      this.kills++
      if (answer?.state === 'ready') this.killsWhenReady++
      this.process = this.run.start()
    }
    // The last one lives on, and the rest of the work depends on what is known of it.
    while (!ended()) {
      await this.sample()
      await wait(SAMPLE_MS)
    }
  }

  /**
   * Resolves when nothing is under way and nothing waits for its time any more: no lag, no call, no timer.
   * Throws after `withinMs`.
   */
  async settled(withinMs: number): Promise<void> {
    await this.process.ready(withinMs)
    const deadline = Date.now() + withinMs
    for (let quietTurns = 0; quietTurns < 3;) {
      if (Date.now() > deadline) {
        throw new Error(`not settled within ${withinMs} ms: ${await this.work()}\n${this.process.lastWords()}`)
      }
      await this.run.knot.settled()
      await this.sample()
      quietTurns = (await this.work()) === 0 ? quietTurns + 1 : 0
      await wait(500)
    }
  }

  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | NodeJS.Signals | null> {
    return this.process.kill('SIGTERM')
  }

  private async live(untilMs: number, ended: () => boolean): Promise<void> {
    while (Date.now() < untilMs && !ended()) {
      await wait(Math.min(SAMPLE_MS, Math.max(0, untilMs - Date.now())))
      await this.sample()
    }
  }

  private async sample(): Promise<void> {
    const bytes = await this.process.metric('process_resident_memory_bytes').catch(() => 0)
    this.residentMaxBytes = Math.max(this.residentMaxBytes, bytes)
    this.backlog = await this.sum('onfile_consumer_lag_records', 'onfile_provision_open_commands')
  }

  /** Records behind, calls under way and timers that wait; infinite where it does not say. */
  private work(): Promise<number> {
    return this.sum('onfile_consumer_lag_records', 'onfile_effects_in_flight', 'onfile_timers_waiting')
  }

  private async sum(...names: readonly string[]): Promise<number> {
    const counts = await Promise.all(names.map(name => this.process.metric(name).catch(() => Number.POSITIVE_INFINITY)))
    return counts.reduce((sum, count) => sum + count, 0)
  }
}
