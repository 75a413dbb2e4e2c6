import type { EngineStep } from '../../../src/engine/options.ts'
import type { ConformanceCase } from '../case.ts'
import type { Row } from '../rows.ts'
import { withChain } from './chain.ts'

const steps: readonly { step: EngineStep; row: Row }[] = [
  { step: 'locked', row: 'lock' },
  { step: 'restored', row: 'restore' },
  { step: 'gathered', row: 'before-4' },
  { step: 'produced', row: 'before-4' },
  { step: 'offset-committed', row: 'before-4' },
  { step: 'committed', row: 'after-4' },
  { step: 'stored', row: 'after-5' },
  { step: 'effects-started', row: 'after-5' },
]

/** SIGKILL after each step, three times in different cycles; `locked` and `restored` come once per partition only. */
export const crashCases: readonly ConformanceCase[] = steps.map(({ step, row }) => ({
  row,
  name: `the process is killed after the step "${step}"`,
  run: (site, faults) =>
    withChain(site, async run => {
      const kills = async () => {
        for (const count of step === 'locked' || step === 'restored' ? [1, 3, 4] : [2, 9, 14]) {
          const killed = run.start({ instanceId: 'pod-0', fault: { does: 'kill', step, count } })
          const end = await run.endOf(killed)
          if (end !== 'SIGKILL') throw new Error(`ended with ${end}: ${killed.describe()}`)
          faults.add('SIGKILL')
        }
        run.start({ instanceId: 'pod-0' })
      }
      await run.writeUntil(kills(), 50)
      await run.expectExact()
    }),
}))
