import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ConformanceCase, Faults } from '../case.ts'
import { withChain } from './chain.ts'

const MOST_INSTANCES = 5
/** The first so many places are of static members, the others of dynamic ones. */
const STATIC_PLACES = 3

/** Up to five places to run at. Who comes back to one finds its directory again, and where it is a static one its id. */
class Places {
  readonly instances: (Worker | undefined)[] = Array.from({ length: MOST_INSTANCES }, () => undefined)
  private readonly run: ChainRun
  private readonly faults: Faults

  constructor(run: ChainRun, faults: Faults) {
    this.run = run
    this.faults = faults
  }

  get taken(): number[] {
    return [...this.instances.keys()].filter(place => this.instances[place] !== undefined)
  }

  join(): void {
    const free = [...this.instances.keys()].filter(place => this.instances[place] === undefined)
    const place = oneOf(free)
    this.instances[place] = this.run.start({
      instanceId: place < STATIC_PLACES ? `pod-${place}` : null,
      stateDirectory: this.run.otherDirectory(`pod-${place}`),
    })
    this.faults.add('instance joined')
  }

  /** One of: an instance joins, leaves by SIGTERM, dies by SIGKILL, or stops for some seconds. */
  async stir(): Promise<void> {
    const { taken } = this
    if (taken.length <= 1 || (taken.length < MOST_INSTANCES && Math.random() < 0.4)) return this.join()
    const place = oneOf(taken)
    const instance = this.instances[place]!
    const kind = Math.random()
    if (kind < 0.4) {
      const end = await instance.stop()
      // Before its first report it may not listen to signals yet.
      if (end !== 0 && instance.report !== null)
        throw new Error(`an instance ended with ${end}: ${instance.describe()}`)
      this.instances[place] = undefined
      this.faults.add('instance left')
    } else if (kind < 0.8) {
      await instance.kill()
      this.instances[place] = undefined
      this.faults.add('SIGKILL')
    } else {
      instance.process.kill('SIGSTOP')
      await wait(7_000)
      instance.process.kill('SIGCONT')
      this.faults.add('SIGSTOP beyond the session')
    }
  }
}

function oneOf(places: readonly number[]): number {
  return places[Math.floor(Math.random() * places.length)] ?? 0
}

/** Under load for so long 1 to 5 instances come and go; all five work at first, whatever chance brings later. */
export function churnCase(minutes: number): ConformanceCase {
  return {
    row: 'rebalance',
    name: `1 to 5 instances, static and dynamic, join, leave, die, stop and come back for ${minutes} minutes under load`,
    timeoutMs: minutes * 60_000 + 240_000,
    run: (site, faults) =>
      withChain(
        site,
        async run => {
          const places = new Places(run, faults)
          const scene = async () => {
            const endMs = Date.now() + minutes * 60_000
            for (let first = 0; first < MOST_INSTANCES; first++) places.join()
            await run.until(60_000, 'five instances work at once', () => {
              return places.instances.every(instance => instance !== undefined && instance.running > 0)
            })
            faults.add('five instances at once')
            while (Date.now() < endMs) {
              await places.stir()
              await wait(1_000 + Math.random() * 3_000)
              if (places.taken.length === MOST_INSTANCES) faults.add('five instances at once')
            }
          }
          await run.writeUntil(scene(), 150)
          await run.untilRunning(60_000)
          await run.expectExact(60_000)
          await run.stopAll()
        },
        { partitions: 8 },
      ),
  }
}
