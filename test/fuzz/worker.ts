import { parentPort, workerData } from 'node:worker_threads'
import { runRound } from './rounds.ts'
import type { Target } from './target.ts'

/** What the watching thread gives: names of targets, how many cases of each, and where to note the case under way. */
export interface WorkerInput {
  readonly seed: number
  /** The module with the targets. */
  readonly table: string
  readonly plan: readonly { readonly target: string; readonly cases: number }[]
  readonly seconds: number
  /** Int32: position in the plan, index of the case. */
  readonly progress: SharedArrayBuffer
}

const { seed, table, plan, seconds, progress } = workerData as WorkerInput
const { targets } = (await import(table)) as { targets: () => Promise<readonly Target[]> }
const under = new Int32Array(progress)
const untilMs = performance.now() + seconds * 1_000
const all = new Map((await targets()).map(target => [target.name, target]))

for (const [place, { target, cases }] of plan.entries()) {
  under[0] = place
  const onCase = (index: number): void => {
    under[1] = index
  }
  parentPort?.postMessage(await runRound(all.get(target)!, { seed, cases, untilMs, onCase }))
}
