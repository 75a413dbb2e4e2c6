import type { Worker } from '../../support/chain/harness.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'

/** Below what a partition's committed changes come to: 100 keys take some 20 KB. */
const MAX_UNFLUSHED_BYTES = 8_000
/** A store of one partition fills it within a few flushes. */
const FILE_LIMIT_KIB = 16

const partitionsOf = (worker: Worker): number[] => worker.tasks.map(({ partition }) => partition).sort()

/** What the log says of a store that takes nothing: an error the first time, warnings while it lasts. */
const complaintsOf = (worker: Worker): string[] =>
  worker.log.split('\n').filter(line => line.includes('"code":"STORE_UNWRITABLE"'))

const staysFull: ConformanceCase = {
  row: 'store-full',
  name: 'the volume stays full: beyond its limit each task stops, names the operator and is tried again; the others go on',
  timeoutMs: 150_000,
  run: (site, faults) =>
    withChain(
      site,
      async run => {
        const full = run.start({ maxUnflushedBytes: MAX_UNFLUSHED_BYTES }, FILE_LIMIT_KIB)
        const whole = run.start({ stateDirectory: run.otherDirectory('whole') })
        await run.until(30_000, 'each of both runs its share', () => full.running === 2 && whole.running === 2)
        const spared = new Set(partitionsOf(whole))

        // What stopped because too much waits is opened again, and cannot restore onto the same volume.
        const stops = () => complaintsOf(full).filter(line => line.includes('bytes of committed changes wait'))
        const stopped = () => new Set(stops().map(line => /"partition":\d+/.exec(line)?.[0]))
        const takeovers = () => complaintsOf(full).filter(line => line.includes('the volume of state.dir fails'))
        const both = run.until(60_000, 'both tasks have stopped, and a takeover has failed', () => {
          return stopped().size === 2 && takeovers().length > 0
        })
        await run.writeUntil(both, 100)
        faults.add('local store cannot be written', stopped().size)
        faults.add('takeover onto a full volume')
        const silent = complaintsOf(full).filter(line => !line.includes('The operator must free or mend it'))
        if (silent.length > 0) throw new Error(`the operator is not named: ${silent.join('\n')}`)
        await run.write(4)
        await run.expectExact(30_000, spared)

        await full.kill()
        run.start()
        await run.expectExact(60_000)
        await run.stopAll()
      },
      { keys: 400 },
    ),
}

export const fullVolumeCases: readonly ConformanceCase[] = [staysFull]
