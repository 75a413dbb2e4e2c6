import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

const BUSY_SHARE = 0.2
const QUIET_SECONDS = 2

function processorTime(): { readonly busy: number; readonly all: number } {
  const ticks = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? []
  const all = ticks.slice(0, 8).reduce((sum, value) => sum + value, 0)
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all }
}

/** Waits until the machine has been less than a fifth busy for two seconds, at most so long. True if it became so. */
export async function untilQuiet(atMostSeconds: number): Promise<boolean> {
  let before = processorTime()
  let quietFor = 0
  for (let second = 0; second < atMostSeconds; second++) {
    await wait(1_000)
    const now = processorTime()
    quietFor = (now.busy - before.busy) / (now.all - before.all) < BUSY_SHARE ? quietFor + 1 : 0
    before = now
    if (quietFor >= QUIET_SECONDS) return true
  }
  return false
}
