import { Worker } from 'node:worker_threads'
import type { TargetResult } from './rounds.ts'
import type { WorkerInput } from './worker.ts'

export interface WatchedRun {
  readonly seed: number
  readonly plan: WorkerInput['plan']
  readonly seconds: number
  readonly onResult?: (result: TargetResult) => void
  /** The module with the targets; default the table. */
  readonly table?: URL
  /** A case that stands so long does not end: far beyond what any case may take. Default 15 s. */
  readonly hangsAfterMs?: number
  /** The heap of the thread. More is a decoder that believed a number. Default 512. */
  readonly heapMib?: number
}

const LOOKS_EVERY_MS = 500

/**
 * Runs a plan in a thread and watches it: a case that does not end, or that fills the heap, ends the thread and is a
 * violation like any other, with the index that replays it.
 */
export async function runWatched(run: WatchedRun): Promise<readonly TargetResult[]> {
  const { seed, plan, seconds, onResult, hangsAfterMs = 15_000, heapMib = 512 } = run
  const table = run.table ?? new URL('./table.ts', import.meta.url)
  const progress = new SharedArrayBuffer(8)
  const under = new Int32Array(progress)
  // Until the thread has its decoders, which takes long on a loaded machine, no case is under way.
  under[1] = -1
  const results: TargetResult[] = []
  const workerData: WorkerInput = { seed, table: table.href, plan, seconds, progress }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: heapMib },
  })
  const broken = (why: string): TargetResult => {
    const target = plan[under[0]!]!.target
    const violation = { target, seed, index: under[1]!, why }
    const none = { cases: 0, values: 0, typedErrors: 0, slowestMs: 0, mostAllocatedBytes: 0 }
    return { target, ...none, violations: [violation] }
  }
  let seen = ''
  let sinceMs = performance.now()
  await new Promise<void>((resolve, reject) => {
    const timer = setInterval(() => {
      const now = `${under[0]!} ${under[1]!} ${results.length}`
      if (now !== seen) [seen, sinceMs] = [now, performance.now()]
      else if (under[1]! >= 0 && performance.now() - sinceMs > hangsAfterMs) end(`stands for ${hangsAfterMs} ms`)
    }, LOOKS_EVERY_MS)
    const end = (why?: string): void => {
      clearInterval(timer)
      if (why !== undefined) results.push(broken(why))
      worker.terminate().then(() => resolve(), reject)
    }
    worker.on('message', (result: TargetResult) => {
      results.push(result)
      onResult?.(result)
    })
    worker.on('error', error => end(String(error)))
    worker.on('exit', () => end())
  })
  return results
}

/** How many cases each target gets, so that they add up to about `casesPerTarget` times their number. */
export function planFor(
  targets: readonly { readonly name: string; readonly share?: number }[],
  casesPerTarget: number,
): WorkerInput['plan'] {
  return targets.map(({ name, share = 1 }) => ({ target: name, cases: Math.round(casesPerTarget * share) }))
}
