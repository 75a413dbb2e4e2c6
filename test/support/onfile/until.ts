import { setTimeout as wait } from 'node:timers/promises'
import type { OnfileRun } from './onfileRun.ts'

/** How often it is asked. */
const EVERY_MS = 50

/**
 * Waits until `holds`. What throws does not hold yet: a process that starts, or a machine that stalls, gives no answer.
 *
 * @throws after `withinMs`, with the last error and the last words of the processes that live
 */
export async function until(
  run: OnfileRun,
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = 60_000,
): Promise<void> {
  const deadlineMs = Date.now() + withinMs
  for (;;) {
    let problem = ''
    try {
      if (await holds()) return
    } catch (error) {
      problem = `\n${String(error)}`
    }
    if (Date.now() > deadlineMs) {
      const words = run.alive().map(process => process.lastWords())
      throw new Error(`${what}: not within ${withinMs} ms${problem}\n${words.join('\n')}`)
    }
    await wait(EVERY_MS)
  }
}
