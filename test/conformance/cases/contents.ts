import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import type { ChainSettings } from '../../support/chain/workerProtocol.ts'

/** What a cycle consists of. */
export type Content = 'input' | 'only timers' | 'only finished effects'

export const contents: readonly Content[] = ['input', 'only timers', 'only finished effects']

/** Long enough to write and commit all input first. */
export const HELD_BACK_MS = 15_000

/** Timers, or effects, that wait until then. */
export function heldBack(content: Content, untilMs: number): ChainSettings['variant'] {
  return {
    stateVersion: 1,
    timersDueAtMs: content === 'only timers' ? untilMs : 0,
    effectsEndAtMs: content === 'only finished effects' ? untilMs : 0,
  }
}

/**
 * Starts a worker, fills the input and waits until it is committed: the next cycles are of `content` alone, which comes at
 * `heldUntilMs`, about HELD_BACK_MS after the call. Where that is input the worker only runs.
 */
export async function startBefore(
  run: ChainRun,
  content: Content,
  settingsOf: (heldUntilMs: number) => Partial<ChainSettings>,
): Promise<Worker> {
  const heldUntilMs = Date.now() + HELD_BACK_MS
  const worker = run.start({ variant: heldBack(content, heldUntilMs), ...settingsOf(heldUntilMs) })
  await run.untilRunning()
  if (content === 'input') return worker
  await run.write(14)
  await run.untilInputDone()
  if (Date.now() > heldUntilMs)
    throw new Error('the machine is too slow for this case: timers were due before the fault')
  return worker
}
