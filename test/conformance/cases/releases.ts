import type { ChainVariant } from '../../support/chain/topology.ts'
import type { ConformanceCase } from '../case.ts'
import { withChain } from './chain.ts'
import { failedWith } from './topics.ts'

const release = (stateVersion: 1 | 2): { variant: ChainVariant } => ({
  variant: { stateVersion, timersDueAtMs: 0, effectsEndAtMs: 0 },
})

const rollingUpgrade: ConformanceCase = {
  row: 'release',
  name: 'a rolling upgrade under load: the new release reads the state of the old one',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const places = ['pod-0', 'pod-1']
      const start = (name: string, version: 1 | 2) =>
        run.start({ ...release(version), instanceId: name, stateDirectory: run.otherDirectory(name) })
      const old = places.map(name => start(name, 1))
      await run.untilRunning()
      const scene = async () => {
        for (const [index, name] of places.entries()) {
          await old[index]?.stop()
          start(name, 2)
          faults.add('instance upgraded')
          await run.untilRunning()
        }
      }
      await run.writeUntil(scene(), 60)
      await run.expectExact()
      await run.stopAll()
    }),
}

const rollback: ConformanceCase = {
  row: 'release',
  name: 'a rollback: the old release refuses the state of the new one, warm and cold, and touches nothing',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const old = run.start(release(1))
      await run.write(20, 20)
      await run.expectExact()
      await old.stop()
      const upgraded = run.start(release(2))
      await run.write(20, 20)
      await run.expectExact()
      await upgraded.stop()
      await run.write(10)
      const before = await run.ends(run.topics.output)
      for (const place of [run.stateDirectory, run.otherDirectory('cold')]) {
        const refusing = run.start({ ...release(1), stateDirectory: place })
        await run.until(30_000, 'all are refused', () => {
          return failedWith(refusing, 'STATE_TOO_NEW').length === run.partitions
        })
        faults.add('instance rolled back')
        await refusing.stop()
      }
      const after = await run.ends(run.topics.output)
      for (const [partition, end] of before) {
        if (after.get(partition) !== end) throw new Error(`something was written to partition ${partition}`)
      }
      run.start(release(2))
      await run.expectExact()
      await run.stopAll()
    }),
}

const diesWhileUpgrading: ConformanceCase = {
  row: 'release',
  name: 'the new release dies between its restore and its first commits, and is refused to the old one later all the same',
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, async run => {
      const old = run.start(release(1))
      await run.write(20, 20)
      await run.expectExact()
      await old.kill()
      await run.write(5)
      for (const step of ['restored', 'gathered', 'produced'] as const) {
        const fault = { does: 'kill', step, count: step === 'restored' ? 4 : 1 } as const
        await run.endOf(run.start({ ...release(2), instanceId: 'pod-0', fault }))
        faults.add('SIGKILL')
      }
      const upgraded = run.start({ ...release(2), instanceId: 'pod-0' })
      await run.write(20, 20)
      await run.expectExact()
      await upgraded.stop()
      const refusing = run.start({ ...release(1), instanceId: 'pod-0', stateDirectory: run.otherDirectory('cold') })
      await run.until(30_000, 'all are refused', () => {
        return failedWith(refusing, 'STATE_TOO_NEW').length === run.partitions
      })
      faults.add('instance rolled back')
      await run.stopAll()
    }),
}

export const releaseCases: readonly ConformanceCase[] = [rollingUpgrade, rollback, diesWhileUpgrading]
